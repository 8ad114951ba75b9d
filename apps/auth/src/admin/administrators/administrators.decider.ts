import type { Decider } from '@ledgate/eventsourcing'
import { AlreadySetUp, LastAdministrator, TooManyAdministrators } from './errors.ts'
import type { AdministratorEvent, AdministratorsState } from './events.ts'

export type AdministratorCommand =
  | { readonly type: 'Add'; readonly sub: string }
  /** Only while no administrator can sign in. */
  | { readonly type: 'AddFirst'; readonly sub: string; readonly able: readonly string[] }
  | {
      readonly type: 'Remove'
      readonly sub: string
      readonly reason: string
      /** Those of the list who can act at this moment. */
      readonly able: readonly string[]
    }

/** The list is in each of its events, and is bounded so that whoever leaves it always can. */
export const MAX_ADMINISTRATORS = 500

function added(sub: string, subs: readonly string[]): AdministratorEvent[] {
  if (subs.includes(sub)) return []
  if (subs.length >= MAX_ADMINISTRATORS) throw new TooManyAdministrators()
  return [{ type: 'AdministratorAdded', data: { sub, administrators: { subs: [...subs, sub] } } }]
}

/** The list of those who may administer: never left without one who can act. */
export const administrators: Decider<AdministratorsState, AdministratorCommand, AdministratorEvent> = {
  initialState: { subs: [] },

  /** @throws {LastAdministrator | AlreadySetUp | TooManyAdministrators} */
  decide(command, { subs }) {
    const { sub } = command
    switch (command.type) {
      case 'Add':
        return added(sub, subs)
      case 'AddFirst':
        if (command.able.length > 0) throw new AlreadySetUp()
        return added(sub, subs)
      case 'Remove': {
        if (!subs.includes(sub)) return []
        const left = subs.filter((each) => each !== sub)
        if (!left.some((each) => command.able.includes(each))) throw new LastAdministrator()
        const { reason } = command
        return [{ type: 'AdministratorRemoved', data: { sub, reason, administrators: { subs: left } } }]
      }
    }
  },

  evolve: (_state, { data }) => data.administrators,
}
