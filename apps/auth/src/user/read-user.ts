import type { CommandContext, EventLog } from '../log/index.ts'
import { type UserState, userStream } from './events.ts'

/** A user as their stream says, and where the stream ends. */
export interface ReadUser {
  readonly state: UserState
  readonly revision: bigint
}

/** The user of that `sub`, never older than the call. */
export async function readUser(log: EventLog, sub: string): Promise<ReadUser | undefined> {
  const [newest] = await log.last(userStream.of(sub))
  return newest !== undefined && 'user' in newest.data
    ? { state: newest.data.user, revision: newest.revision }
    : undefined
}

/**
 * How an event about what a user has is appended: where the command came from is sealed under their key, and left out when
 * there is none any more.
 */
export function aboutUser(
  user: Pick<UserState, 'erased' | 'data_key'> | undefined,
  { source, ...context }: CommandContext,
): { readonly context: CommandContext; readonly dataKey?: string } {
  return user === undefined || user.erased ? { context } : { context: { ...context, source }, dataKey: user.data_key }
}
