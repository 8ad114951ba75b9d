import { sha256 } from '@ledgate/jws'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'

/** The request that a proof is for. */
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
  /** Signs a proof: the value of the `DPoP` header, RFC 9449 §4.2. */
  prove(request: ToProve): Promise<string>
}

/**
 * Creates the DPoP key of a client. @param now milliseconds since the epoch.
 *
 * @example
 * ```ts
 * import { createVerifier } from '@ledgate/verifier'
 * import { dpop } from '@ledgate/verifier/dpop'
 * import { testDpopKey, testIssuer } from '@ledgate/verifier/testing'
 *
 * const [issuer, key] = [await testIssuer(), await testDpopKey()]
 * await using verifier = createVerifier(issuer.verifierOptions({ dpop: dpop() }))
 * await verifier.start()
 *
 * const request = { method: 'GET', url: 'https://api.test/orders' }
 * const token = await issuer.token({ cnf: { jkt: key.jkt } })
 * const proof = await key.prove({ ...request, accessToken: token })
 * await verifier.verify(token, { ...request, scheme: 'DPoP', dpop: proof })
 * ```
 */
export async function testDpopKey(now: () => number = Date.now): Promise<TestDpopKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  return {
    jkt: await calculateJwkThumbprint(jwk),
    prove: ({ method, url, accessToken, nonce }) =>
      new SignJWT({
        jti: crypto.randomUUID(),
        htm: method,
        htu: url.split(/[?#]/, 1)[0],
        iat: Math.floor(now() / 1000),
        ath: sha256(accessToken),
        ...(nonce !== undefined && { nonce }),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .sign(privateKey),
  }
}
