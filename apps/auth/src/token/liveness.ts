import type { UserState } from '../user/index.ts'
import type { ClientState } from '../client/index.ts'
import type { GrantState } from '../grant/index.ts'
import { isLiveSession, type SessionState } from '../session/index.ts'

/** Everybody a grant or a token of it depends on, as they are now. */
export interface Standing {
  readonly user: UserState | undefined
  readonly client: ClientState | undefined
  readonly session: SessionState | undefined
  /** Of the installation. */
  readonly issuerEpoch: number
  /** Whole seconds since the epoch. */
  readonly now: number
}

/** The epochs that were true when a grant was opened: those of its tokens, too. */
type Epochs = Pick<GrantState, 'user_epoch' | 'client_epoch' | 'issuer_epoch'>

/** Why a grant or a token with these epochs is dead; `undefined` while it lives. An epoch that rose ends what is below it. */
export function whyDead(
  bound: Epochs & { readonly scope: readonly string[] },
  { user, client, session, issuerEpoch, now }: Standing,
): string | undefined {
  if (bound.issuer_epoch < issuerEpoch) return 'every token issued before the issuer epoch is revoked'
  if (user === undefined || user.erased) return 'the user was erased'
  if (user.disabled) return 'the user is disabled'
  if (bound.user_epoch < user.epoch) return 'the sessions of the user were revoked'
  if (client === undefined || client.disabled) return 'the client is disabled'
  if (bound.client_epoch < client.epoch) return 'the tokens of the client were revoked'
  if (session === undefined) return 'the session was never started'
  if (session.ended === 'revoked') return 'the session was revoked'
  if (!isLiveSession(session, now) && !bound.scope.includes('offline_access')) return 'the session has ended'
  return undefined
}
