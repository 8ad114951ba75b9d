import { type CommandContext, type EventLog, handle } from '../log/index.ts'
import { UnknownAccount, unlessErased } from './errors.ts'
import { type UserState, userStream } from './events.ts'
import { user, type UserCommand } from './user.decider.ts'

/** The user after a command, and the position from which readers see it. */
export interface ChangedUser {
  /** Whether the command did something: whatever follows from that needs no right any more. */
  readonly isChanged: boolean
  readonly state: UserState
  readonly position: string
}

const unknown = (cause: unknown) => new UnknownAccount({ cause })

/**
 * Decides by the end of the user's stream and appends; again if another writer was first.
 *
 * @throws {UnknownAccount} if the user does not exist or was erased.
 */
export const changeUser = (
  log: EventLog,
  sub: string,
  command: Exclude<UserCommand, { type: 'Register' }>,
  context: CommandContext,
): Promise<ChangedUser> =>
  unlessErased(unknown, async () => {
    const person = { stream: userStream.of(sub), decider: user }
    const { state, position } = await handle(log, person, ({ state: before }) => ({
      command,
      context,
      dataKey: before?.data_key,
    }))
    if (state === undefined) throw new UnknownAccount()
    return { state, position: position ?? (await log.store.head()), isChanged: position !== undefined }
  })
