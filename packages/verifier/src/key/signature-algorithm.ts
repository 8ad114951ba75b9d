import type { SignatureAlgorithm } from '@ledgate/jws'

const ALL: readonly SignatureAlgorithm[] = ['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'PS256']

/** What is taken where nothing is said. */
export const USUAL_ALGORITHMS: readonly SignatureAlgorithm[] = ['ES256', 'EdDSA', 'RS256']

/** By which names a token or a proof may say an algorithm: EdDSA by its only curve here has one of its own, RFC 9864 §2.2. */
export const namesOf = (alg: string): readonly string[] => (alg === 'EdDSA' ? ['EdDSA', 'Ed25519'] : [alg])

/** The same algorithms. @throws {TypeError} for none, and for one that is not a signature by a public key. */
export function signatureAlgorithms(
  algorithms: readonly (SignatureAlgorithm | 'Ed25519')[],
): readonly SignatureAlgorithm[] {
  const said = algorithms.map((algorithm) => (algorithm === 'Ed25519' ? 'EdDSA' : algorithm))
  if (said.length === 0 || !said.every((algorithm) => ALL.includes(algorithm)))
    throw new TypeError(`algorithms must be of ${ALL.join(', ')}`)
  return said
}
