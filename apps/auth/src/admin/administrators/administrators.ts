import { readUser, type UserState } from '../../user/index.ts'
import { type CommandContext, consequenceOf, type EventLog, handle, readState } from '../../log/index.ts'
import { administrators as decider, type AdministratorCommand } from './administrators.decider.ts'
import { ADMINISTRATORS, type AdministratorsState } from './events.ts'

/** The role of those who may administer. */
export const ADMINISTRATOR = 'ledgate:admin'

/** Whether a user with this state may be on the list, and act. */
export const isAble = ({ roles, disabled, erased }: UserState): boolean =>
  roles.includes(ADMINISTRATOR) && !disabled && !erased

/**
 * Who may administer. The role is part of the user, the list is one stream that all changes of it go through; whoever
 * administers has both. A role is given before its user is put on the list, and taken after they were taken off it,
 * so that whatever is cut off in the middle leaves somebody with less, and the same command completes it.
 */
export interface Administrators {
  /** Whether there is no usable administrator. */
  isEmpty(): Promise<boolean>
  /** Whether this user may administer at this moment, by the ends of the streams. */
  includes(sub: string): Promise<boolean>
  /** Puts a user who is able on the list; takes them off again when they are not, any more. @throws {LastAdministrator} */
  add(sub: string, context: CommandContext): Promise<void>
  /** @throws {AlreadySetUp} if there is a usable administrator. */
  addFirst(sub: string, context: CommandContext): Promise<void>
  /** Takes a user off the list, and says whether they were on it. @throws {LastAdministrator} if it is the last usable administrator. */
  remove(sub: string, reason: string, context: CommandContext): Promise<boolean>
}

const step = (context: CommandContext, name: string): CommandContext => ({
  ...context,
  commandId: `${context.commandId}/${name}`,
})

/** The list over the log. */
export function openAdministrators(log: EventLog): Administrators {
  const list = { stream: ADMINISTRATORS, decider }
  const read = () => readState(log, list)

  async function canAct(sub: string): Promise<boolean> {
    const found = await readUser(log, sub)
    return found !== undefined && isAble(found.state)
  }

  async function ableOf(subs: readonly string[]): Promise<readonly string[]> {
    const able = await Promise.all(subs.map(canAct))
    return subs.filter((_, index) => able[index])
  }

  /** Says whether the command changed the list. */
  async function run(
    context: CommandContext,
    prepare: (state: AdministratorsState) => Promise<AdministratorCommand>,
  ): Promise<boolean> {
    const { position } = await handle(log, list, async ({ state }) => ({ command: await prepare(state), context }))
    return position !== undefined
  }

  const remove: Administrators['remove'] = (sub, reason, context) =>
    run(context, async ({ subs }) => {
      const others = subs.includes(sub) ? subs.filter((each) => each !== sub) : []
      return { type: 'Remove', sub, reason, able: await ableOf(others) }
    })

  return {
    isEmpty: async () => (await ableOf((await read()).state.subs)).length === 0,
    includes: async (sub) => (await read()).state.subs.includes(sub) && (await canAct(sub)),
    remove,
    async add(sub, context) {
      await run(step(context, 'add'), async () => ({ type: 'Add', sub }))
      // Disabled or demoted just now by somebody who did not find them on the list yet.
      if (!(await canAct(sub))) await remove(sub, 'not able to act', step(consequenceOf(context), 'undo'))
    },
    async addFirst(sub, context) {
      await run(context, async ({ subs }) => ({ type: 'AddFirst', sub, able: await ableOf(subs) }))
    },
  }
}
