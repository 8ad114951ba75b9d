import { EncryptionAlg, EncryptionEnc } from '@ledgate/oauth'
import { compactDecrypt, type CompactDecryptGetKey, type CryptoKey, importJWK, type JWK } from 'jose'

/** Decrypts a token for this resource server. @throws when it is damaged, or encrypted for another key. */
export type Decrypt = (token: string) => Promise<string>

interface PrivateKey {
  readonly kid: string | undefined
  readonly alg: string
  readonly key: Promise<CryptoKey | Uint8Array>
}

/** @throws {TypeError} for a key without a supported `alg`, or that is not private. */
function privateKey(jwk: JWK): PrivateKey {
  const { data: alg } = EncryptionAlg.safeParse(jwk.alg)
  if (alg === undefined)
    throw new TypeError(`a decryption key needs an "alg": one of ${EncryptionAlg.options.join(', ')}`)
  if (jwk.d === undefined) throw new TypeError('a decryption key must be a private key')
  const key = importJWK({ ...jwk, alg, ext: false }, alg)
  key.catch(() => {}) // Reported when the key is used.
  return { kid: jwk.kid, alg, key }
}

/**
 * Decrypts nested tokens (a signed token in a JWE, RFC 7519 §5.2) with these keys: with the one of the `kid`, or the first of the
 * `alg` if the token or the key has no `kid`. A key is only used with its own `alg`. Compressed tokens are rejected, so that the
 * plaintext is no longer than the token.
 *
 * @throws {TypeError} if a key is unsuitable.
 */
export function decryption(jwks: readonly JWK[]): Decrypt {
  const keys = jwks.map(privateKey)
  const options = {
    keyManagementAlgorithms: [...new Set(keys.map(({ alg }) => alg))],
    contentEncryptionAlgorithms: [...EncryptionEnc.options],
  }
  const keyFor: CompactDecryptGetKey = ({ alg, kid, zip }) => {
    if (zip !== undefined) throw new TypeError('a compressed token')
    const named = keys.find((key) => key.alg === alg && kid !== undefined && key.kid === kid)
    const fit = named ?? keys.find((key) => key.alg === alg && (kid === undefined || key.kid === undefined))
    if (fit === undefined) throw new TypeError('encrypted for another key')
    return fit.key
  }
  return async (token) => {
    const { plaintext, protectedHeader } = await compactDecrypt(token, keyFor, options)
    // RFC 7519 §5.2 requires this, so that other content that was encrypted for this key is not read as a token.
    if (protectedHeader.cty?.toUpperCase() !== 'JWT') throw new TypeError('not a nested token (cty is not JWT)')
    return Buffer.from(plaintext).toString('latin1')
  }
}
