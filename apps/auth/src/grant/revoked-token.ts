import { Conflict, type Position } from '@ledgate/eventsourcing'
import type { AnyEvent, CommandContext, EventLog, StreamName } from '../log/index.ts'
import { withoutLists } from './grant.decider.ts'
import { type GrantState, serviceStream, tokenStream } from './events.ts'

/** An access token as the log names it. */
export interface TokenName {
  readonly jti: string
  readonly client_id: string
  /** The grant of a user's token; a token of a client alone has none. */
  readonly gid?: string | undefined
}

export interface ExpiringToken extends TokenName {
  /** Whole seconds since the epoch. */
  readonly exp: number
}

interface Revoking {
  readonly context: CommandContext
  /** The data key of the user whose token it is. */
  readonly dataKey?: string | undefined
}

/** The stream of a client's own token that was revoked by itself (docs/decisions/0003). */
const ownStreamOf = ({ jti, client_id }: TokenName) => serviceStream.of(`${client_id}-${jti}`)

/**
 * Whether a token was revoked by itself, never older than the call: one read, however many tokens its grant or its client
 * had. Any event says so, also one of a type that only a newer Ledgate knows.
 */
export const hasOwnRevocation = (log: Pick<EventLog, 'exists'>, token: TokenName): Promise<boolean> =>
  log.exists(token.gid === undefined ? ownStreamOf(token) : tokenStream.of(token.jti))

/** Appends the first event of the token's stream; nothing when there is one. */
async function revokeOnce<Event extends AnyEvent>(
  log: EventLog,
  stream: StreamName<Event>,
  event: NoInfer<Event>,
  revoking: Revoking,
): Promise<{ position: Position } | undefined> {
  try {
    return await log.append(stream, [event], { expected: 'noStream', ...revoking })
  } catch (error) {
    if (error instanceof Conflict) return undefined
    throw error
  }
}

/** Revokes an access token of a client alone. Revoking twice is one event: the second one answers nothing. */
export const revokeServiceToken = (
  log: EventLog,
  { jti, client_id, exp }: ExpiringToken,
  revoking: Revoking,
): Promise<{ position: Position } | undefined> =>
  revokeOnce(
    log,
    ownStreamOf({ jti, client_id }),
    { type: 'ServiceTokenRevoked', data: { jti, client_id, exp } },
    revoking,
  )

type TokenOfGrant = Pick<ExpiringToken, 'jti' | 'exp'>

const revokeOfGrant = (log: EventLog, state: GrantState, { jti, exp }: TokenOfGrant, revoking: Revoking) => {
  const revoked = { type: 'TokenRevoked', data: { jti, exp, grant: withoutLists(state) } } as const
  return revokeOnce(log, tokenStream.of(jti), revoked, revoking)
}

/** Whether a token is dead by what the state of its grant says, also as releases before wrote it. */
export const isRevokedByGrant = ({ revoked, revoked_tokens }: GrantState, jti: string): boolean =>
  revoked || revoked_tokens.some((token) => token.jti === jti)

/** Revokes one access token of a grant. Revoking twice is one event: the second one answers nothing. */
export async function revokeGrantToken(
  log: EventLog,
  state: GrantState,
  token: TokenOfGrant,
  revoking: Revoking,
): Promise<{ position: Position } | undefined> {
  return isRevokedByGrant(state, token.jti) ? undefined : revokeOfGrant(log, state, token, revoking)
}

/**
 * Gives a stream to every token that a release before noted in the state of the grant, before that state is written anew
 * without them. Safe to do twice, and half.
 *
 * @param now whole seconds since the epoch: what has expired needs none.
 */
export async function moveRevokedTokens(
  log: EventLog,
  state: GrantState,
  now: number,
  { context }: Pick<Revoking, 'context'>,
): Promise<void> {
  const bySystem = { context: { ...context, actor: { type: 'system', id: 'grant' } as const, source: undefined } }
  const living = state.revoked_tokens.filter(({ exp }) => now < exp)
  await Promise.all(living.map((token) => revokeOfGrant(log, state, token, bySystem)))
}
