import type { Decider } from '@ledgate/eventsourcing'
import { Refused } from '../refusal/index.ts'
import type { NameEvent } from './events.ts'

/** What can have one owner in all of an installation. */
export type NameKind = 'scope' | 'resource' | 'client_id'

export interface Name {
  readonly kind: NameKind
  readonly name: string
}

/** The name belongs to another owner. */
export class NameTaken extends Refused {
  readonly kind: NameKind
  readonly taken: string

  constructor({ kind, name }: Name, owner: string) {
    super(`the ${kind} ${name} belongs to the ${owner}`)
    this.kind = kind
    this.taken = name
  }
}

/** What is asked of a name; `owner` is `client <client_id>` or `resource <client_id>`. */
export interface NameCommand {
  readonly type: 'Reserve' | 'Release'
  readonly name: Name
  readonly owner: string
}

/** The owner of a name; `undefined` while it is free. */
export const nameOwner: Decider<string | undefined, NameCommand, NameEvent> = {
  initialState: undefined,

  decide({ type, name, owner }, current) {
    if (type === 'Release') return current === owner ? [{ type: 'NameReleased', data: { ...name } }] : []
    if (current !== undefined && current !== owner) throw new NameTaken(name, current)
    return current === owner ? [] : [{ type: 'NameReserved', data: { ...name, owner } }]
  },

  evolve: (_owner, event) => (event.type === 'NameReserved' ? event.data.owner : undefined),
}
