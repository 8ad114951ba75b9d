import { hash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'

/** What a proof is made for. */
export interface ToProve {
  readonly method: string
  /** With or without its query. */
  readonly url: string
  readonly accessToken: string
  readonly nonce?: string
}

/** The DPoP key of a client. */
export interface TestDpopKey {
  /** For the `cnf` of a token: `token({ cnf: { jkt } })`. */
  readonly jkt: string
  /** A value of the `DPoP` header, RFC 9449 §4.2. */
  prove(request: ToProve): Promise<string>
}

/** Makes the DPoP key of a client. `now` in milliseconds since the epoch. */
export async function testDpopKey(now: () => number = Date.now): Promise<TestDpopKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  return {
    jkt: await calculateJwkThumbprint(jwk),
    prove: ({ method, url, accessToken, nonce }) =>
      new SignJWT({
        jti: randomUUID(),
        htm: method,
        htu: url.split(/[?#]/, 1)[0],
        iat: Math.floor(now() / 1000),
        ath: hash('sha256', accessToken, 'base64url'),
        ...(nonce !== undefined && { nonce }),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .sign(privateKey),
  }
}
