import type { SignatureAlgorithm } from './types.ts'

const ALL: readonly SignatureAlgorithm[] = ['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'PS256']

/** What is taken where nothing is said. */
export const USUAL_ALGORITHMS: readonly SignatureAlgorithm[] = ['ES256', 'EdDSA', 'RS256']

/** The same algorithms. @throws {TypeError} for none, and for one that is not a signature by a public key. */
export function signatureAlgorithms(algorithms: readonly SignatureAlgorithm[]): readonly SignatureAlgorithm[] {
  if (algorithms.length === 0 || !algorithms.every((algorithm) => ALL.includes(algorithm)))
    throw new TypeError(`algorithms must be of ${ALL.join(', ')}`)
  return algorithms
}
