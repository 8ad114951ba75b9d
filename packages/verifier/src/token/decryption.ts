import { EncryptionAlg, EncryptionEnc } from '@ledgate/oauth'
import { compactDecrypt, type CompactDecryptGetKey, type CryptoKey, importJWK, type JWK } from 'jose'

/** Decrypts a token that was made for this resource server. @throws when it cannot: not ours, damaged, or another's. */
export type Decrypt = (token: string) => Promise<string>

interface PrivateKey {
  readonly kid: string | undefined
  readonly alg: string
  readonly key: Promise<CryptoKey | Uint8Array>
}

/** @throws {TypeError} for a key that says no `alg` we take, or is no private key: it would decrypt nothing, or too much. */
function privateKey(jwk: JWK): PrivateKey {
  const { data: alg } = EncryptionAlg.safeParse(jwk.alg)
  if (alg === undefined)
    throw new TypeError(`a decryption key needs an "alg": one of ${EncryptionAlg.options.join(', ')}`)
  if (jwk.d === undefined) throw new TypeError('a decryption key must be a private key')
  const key = importJWK({ ...jwk, alg, ext: false }, alg)
  key.catch(() => {}) // Said to whoever needs the key.
  return { kid: jwk.kid, alg, key }
}

/**
 * Opens nested tokens (a signed token in a JWE, RFC 7519 §5.2) by these keys: that of the `kid`, or the first of the `alg`
 * where the token or the key has none. Each key takes its own `alg` only, and nothing that was compressed: what comes out is no
 * longer than what went in.
 *
 * @throws {TypeError} for keys that cannot be used so.
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
    if (fit === undefined) throw new TypeError('a token for another key')
    return fit.key
  }
  return async (token) => {
    const { plaintext, protectedHeader } = await compactDecrypt(token, keyFor, options)
    // RFC 7519 §5.2 asks for this, and so nothing else that was encrypted for us is read as a token.
    if (protectedHeader.cty?.toUpperCase() !== 'JWT') throw new TypeError('not a nested token')
    return Buffer.from(plaintext).toString('latin1')
  }
}
