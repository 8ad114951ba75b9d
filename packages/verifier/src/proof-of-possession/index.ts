/** The port for checks of proofs of possession; `dpop/` implements it. */
export type { DpopPolicy, ProofChecker, ProofRequest } from './proof-checker.ts'
