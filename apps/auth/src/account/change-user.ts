import { type CommandContext, type EventLog, untilSettled } from '../log/index.ts'
import { UnknownAccount, unlessErased } from './errors.ts'
import { type UserState, userStream } from './events.ts'
import { readUser } from './read.ts'
import { user, type UserCommand } from './user.decider.ts'

/** The person after a command, and the position from which everybody can see it. */
export interface ChangedUser {
  /** Whether the command did something: whatever follows from that needs no right any more. */
  readonly isChanged: boolean
  readonly state: UserState
  readonly position: string
}

const unknown = (cause: unknown) => new UnknownAccount({ cause })

/**
 * Decides by the end of the person's stream and appends; again when somebody was in between.
 *
 * @throws {UnknownAccount} when there is nobody, or nobody any more.
 */
export const changeUser = (
  log: EventLog,
  sub: string,
  command: Exclude<UserCommand, { type: 'Register' }>,
  context: CommandContext,
): Promise<ChangedUser> =>
  unlessErased(unknown, () =>
    untilSettled(async () => {
      const found = await readUser(log, sub)
      const events = user.decide(command, found?.state)
      if (found === undefined) throw new UnknownAccount()
      if (events.length === 0) return { state: found.state, position: await log.store.head(), isChanged: false }
      const { position } = await log.append(userStream.of(sub), events, {
        expected: found.revision,
        context,
        dataKey: found.state.data_key,
      })
      return { state: events.reduce(user.evolve, found.state) ?? found.state, position, isChanged: true }
    }),
  )
