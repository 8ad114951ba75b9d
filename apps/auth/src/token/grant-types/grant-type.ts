import type { GrantType } from '@ledgate/oauth'
import type { TokenAnswer, TokenDependencies, TokenRequest } from '../issuing.ts'

/** The grant types that the token endpoint offers. A client may already be registered for the code that comes with the pages. */
export type OfferedGrantType = Exclude<GrantType, 'authorization_code'>

/** One grant type of the token endpoint. */
export interface GrantTypeEntry<Type extends OfferedGrantType = OfferedGrantType> {
  /** Its registered name, RFC 6749 §4. */
  readonly type: Type
  /** How it authenticates a user, RFC 8176; empty for one that does not. */
  readonly amr: readonly string[]
  /**
   * Answers a token request. It asks by itself whether the client may use it (`assertMayUse`): a spent refresh token is judged
   * even before that.
   *
   * @throws {OAuthError} RFC 6749 §5.2.
   */
  run(dependencies: TokenDependencies, request: TokenRequest): Promise<TokenAnswer>
}
