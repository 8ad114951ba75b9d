/** Whether DPoP-bound tokens are accepted beside bearer tokens, or required. */
export type DpopPolicy = 'allow' | 'require'

/** What a proof must match, RFC 9449 §4.3. */
export interface ProofRequest {
  /** The `DPoP` header, if there was exactly one. */
  readonly proof: string | undefined
  readonly method: string
  /** The URL as the client sees it, in front of all proxies. */
  readonly url: string
  readonly accessToken: string
  /** The thumbprint of the key that the access token is bound to. */
  readonly jkt: string
}

/** Checks proofs of possession; `dpop()` of `@ledgate/verifier/dpop` creates one. */
export interface ProofChecker {
  readonly policy: DpopPolicy
  /** The `algs` of a challenge. */
  readonly algorithms: readonly string[]
  /** @throws {VerifierError} `invalid_dpop_proof` or `use_dpop_nonce`. */
  check(request: ProofRequest): Promise<void>
}
