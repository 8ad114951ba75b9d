import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { FindKey, StatementSigner } from '../statement/index.ts'

export interface TestSigner extends StatementSigner {
  /** The public key, as a key set publishes it. */
  readonly jwk: JWK
  /** Knows this key and no other. */
  readonly keyFor: FindKey
  /** Signs whatever it is given under whatever header, as a broken or hostile issuer would. */
  forge(header: object, payload: string): Promise<string>
}

/** A key made for this test and for nothing else, which signs as the server's do. */
export async function testSigner({ kid = 'feed-1', alg = 'ES256' } = {}): Promise<TestSigner> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const forge = (header: object, payload: string) =>
    new CompactSign(new TextEncoder().encode(payload))
      .setProtectedHeader({ alg, kid, ...header })
      .sign(privateKey, { crit: { 'urn:ledgate:test': false } })
  return {
    kid,
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    keyFor: (asked) => Promise.resolve(asked === kid ? publicKey : undefined),
    sign: (header, payload) => forge(header, JSON.stringify(payload)),
    forge,
  }
}
