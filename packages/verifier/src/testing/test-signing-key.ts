import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

/** A signing key for a test. */
export interface TestKey {
  readonly kid: string
  /** Public. */
  readonly jwk: JWK
  sign(header: { readonly typ: string } & Readonly<Record<string, unknown>>, payload: object): Promise<string>
}

/** Creates a key for this algorithm. */
export async function testKey(kid: string, alg: string): Promise<TestKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return {
    kid,
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    sign: (header, payload) => new SignJWT({ ...payload }).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  }
}
