/** Whether tokens bound to a key by DPoP may be, or must be, presented. */
export type DpopPolicy = 'allow' | 'require'

/** What a proof must fit, RFC 9449 §4.3. */
export interface ProofRequest {
  /** The `DPoP` header, if there was exactly one. */
  readonly proof: string | undefined
  readonly method: string
  /** The URL as the client sees it, proxies included. */
  readonly url: string
  readonly accessToken: string
  /** The thumbprint that the access token is bound to. */
  readonly jkt: string
}

/** Checks proofs of possession; `@ledgate/verifier` makes one from DPoP options. */
export interface ProofChecker {
  readonly policy: DpopPolicy
  /** What `algs` of a challenge says. */
  readonly algorithms: readonly string[]
  /** @throws {VerifierError} `invalid_dpop_proof` or `use_dpop_nonce`. */
  check(request: ProofRequest): Promise<void>
}
