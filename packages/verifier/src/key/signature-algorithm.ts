import { LEDGATE_ALGORITHMS, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '@ledgate/jws'

const ALL: readonly SignatureAlgorithm[] = SIGNATURE_ALGORITHMS

/** The algorithms that are accepted by default. */
export const DEFAULT_ALGORITHMS: readonly SignatureAlgorithm[] = LEDGATE_ALGORITHMS

/** The names of an algorithm in `alg`: EdDSA with Ed25519 also has a name of its own, RFC 9864 §2.2. */
export const namesOf = (alg: string): readonly string[] => (alg === 'EdDSA' ? ['EdDSA', 'Ed25519'] : [alg])

/** Requires algorithms of public-key signatures. @throws {TypeError} for none, and for any other. */
export function signatureAlgorithms(
  algorithms: readonly (SignatureAlgorithm | 'Ed25519')[],
): readonly SignatureAlgorithm[] {
  const said = algorithms.map((algorithm) => (algorithm === 'Ed25519' ? 'EdDSA' : algorithm))
  if (said.length === 0 || !said.every((algorithm) => ALL.includes(algorithm)))
    throw new TypeError(`algorithms must be one or more of ${ALL.join(', ')}`)
  return said
}
