import { hash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

/** A client's key and what it can prove with it. */
export interface Prover {
  readonly jwk: JWK
  readonly privateJwk: JWK
  readonly jkt: string
  /** A proof with these claims; whatever is not said is right for the example request at second 1,000. */
  prove(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

export const REQUEST = { method: 'GET', url: 'https://api.example/orders?page=2', accessToken: 'an.access.token' }
/** When the example request happens, in seconds since the epoch. */
export const NOW = 1_000

export async function prover(alg = 'ES256'): Promise<Prover> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return {
    jwk,
    privateJwk: await exportJWK(privateKey),
    jkt: await calculateJwkThumbprint(jwk),
    prove(claims = {}, header = {}) {
      const right = {
        jti: randomUUID(),
        htm: REQUEST.method,
        htu: 'https://api.example/orders',
        iat: NOW,
        ath: hash('sha256', REQUEST.accessToken, 'base64url'),
      }
      return new SignJWT({ ...right, ...claims })
        .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk, ...header })
        .sign(privateKey, { crit: { x: true } })
    },
  }
}
