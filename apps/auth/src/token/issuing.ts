import { randomUUID } from 'node:crypto'
import { type GrantType, UnauthorizedClient } from '@ledgate/oauth'
import type { Sealer } from '@ledgate/vault'
import type { UserState } from '../user/index.ts'
import type { ClientState } from '../client/index.ts'
import type { Issued } from '../grant/index.ts'
import type { Clock, CommandContext, EventLog, Source } from '../log/index.ts'
import type { Audiences } from '../resource/index.ts'
import type { DerivationKeys, SigningKeys } from '../signing-key/index.ts'
import type { TokenFacts } from './access-token.ts'
import type { Locators } from './locator.ts'

/** Proves a user by address and password. */
export interface SignIn {
  /** The state at the very revision whose password was verified. @throws {InvalidGrant | TooManyRequests | TemporarilyUnavailable} */
  signIn(input: { username: string; password: string; source: Source; context: CommandContext }): Promise<UserState>
}

/** Everything the token endpoint works with. */
export interface TokenDependencies {
  readonly log: EventLog
  readonly clock: Clock
  readonly signingKeys: Pick<SigningKeys, 'read'>
  readonly derivationKeys: Pick<DerivationKeys, 'read'>
  /** Opens where a refresh token was spent from. */
  readonly sealer: Pick<Sealer, 'unseal'>
  readonly audiences: Audiences
  readonly locators: Pick<Locators, 'make'>
  readonly signIn: SignIn
  readonly facts: TokenFacts
  /** The longest life of any access token, in seconds. */
  readonly tokenCap: number
}

/** A token request whose client is proved. */
export interface TokenRequest {
  readonly client: ClientState
  readonly body: Readonly<Record<string, unknown>>
  readonly context: CommandContext
  readonly source: Source
  /** When the request was taken, before anything that decides was read: the `iat` of what it leads to. */
  readonly now: number
  /**
   * The epoch of the issuer when the request was taken. A token says it beside epochs that were read later, never earlier:
   * otherwise it would pass for one of after a notice that it is of before.
   */
  readonly issuerEpoch: number
}

/** An answer of the token endpoint, RFC 6749 §5.1, and where its events are. */
export interface TokenAnswer {
  readonly position: string
  readonly tokens: {
    readonly access_token: string
    readonly token_type: 'Bearer'
    readonly expires_in: number
    readonly scope?: string
    readonly refresh_token?: string
  }
}

/** @throws {UnauthorizedClient} when the client was not registered for the grant type, RFC 6749 §5.2. */
export function assertMayUse(type: GrantType, { metadata }: ClientState): void {
  if (!metadata.grant_types.includes(type)) throw new UnauthorizedClient(`the client may not use ${type}`)
}

/** What is recorded of an access token before it is made. */
export function issue(facts: Omit<Issued, 'jti'>): Issued {
  return { jti: randomUUID(), ...facts }
}

/** The members of an answer. */
export function tokensOf(
  accessToken: string,
  { expires_in, scope }: Issued,
  refreshToken?: string,
): TokenAnswer['tokens'] {
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in,
    ...(scope.length > 0 && { scope: scope.join(' ') }),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
  }
}
