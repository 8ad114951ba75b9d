import { CompactEncrypt, importJWK, type JWK } from 'jose'
import { createBoundedCache } from '../limit/index.ts'
import type { Encryption } from '../resource/index.ts'
import { TYP } from './access-token.ts'

type Key = Awaited<ReturnType<typeof importJWK>>

/** More than an imported public key takes. */
const KEY_BYTES = 4_096

/** A key need not be taken in anew for each token. */
const imported = createBoundedCache<Key>({ maxBytes: 2 * 1024 * 1024, bytesOf: () => KEY_BYTES })

async function keyOf(jwk: object, alg: string): Promise<Key> {
  const text = JSON.stringify([alg, jwk])
  const known = imported.get(text)
  if (known !== undefined) return known
  const key = await importJWK(jwk as JWK, alg)
  imported.set(text, key)
  return key
}

/**
 * A signed token in a JWE for its one resource server (nested, RFC 7519 §5.2): no one else reads it, we neither. The
 * protected header carries the locator, by which whoever holds the token can have it revoked.
 */
export async function encrypted(jwt: string, { alg, enc, jwk }: Encryption, locator: string): Promise<string> {
  const { kid } = jwk as { readonly kid?: string }
  const header = { alg, enc, typ: TYP, cty: 'JWT', ...(kid !== undefined && { kid }), locator }
  return new CompactEncrypt(Buffer.from(jwt)).setProtectedHeader(header).encrypt(await keyOf(jwk, alg))
}
