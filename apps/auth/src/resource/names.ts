import { Conflict } from '@ledgate/eventsourcing'
import type { CommandContext, EventLog, KeyedHash } from '../log/index.ts'

/** What can have one owner in all of an installation. */
export type NameKind = 'scope' | 'resource' | 'client_id'

/** Somebody else owns it already. */
export class NameTaken extends Error {
  readonly kind: NameKind
  readonly taken: string

  constructor(kind: NameKind, taken: string) {
    super(`the ${kind} ${taken} has another owner`)
    this.name = 'NameTaken'
    this.kind = kind
    this.taken = taken
  }
}

/** Names with one owner each, kept by reservation streams: no two can be first. */
export interface Names {
  /** Who owns a name; never older than the call. */
  owner(kind: NameKind, name: string): Promise<string | undefined>
  /** Takes a name; taking what one owns already changes nothing. @throws {NameTaken} */
  reserve(kind: NameKind, name: string, owner: string, context: CommandContext): Promise<void>
}

/** Names kept in `scope-<hmac>`. */
export function names(log: EventLog, hash: KeyedHash): Names {
  const streamOf = (kind: NameKind, name: string) => `scope-${hash(`${kind} ${name}`)}`

  async function owner(kind: NameKind, name: string): Promise<string | undefined> {
    const [newest] = await log.last(streamOf(kind, name))
    return newest?.type === 'NameReserved' ? newest.data.owner : undefined
  }

  return {
    owner,
    async reserve(kind, name, wanted, context) {
      const stream = streamOf(kind, name)
      const [newest] = await log.last(stream)
      const current = newest?.type === 'NameReserved' ? newest.data.owner : undefined
      if (current === wanted) return
      if (current !== undefined) throw new NameTaken(kind, name)
      try {
        const expected = newest?.revision ?? 'noStream'
        await log.append(stream, [{ type: 'NameReserved', data: { kind, name, owner: wanted } }], { expected, context })
      } catch (error) {
        if (!(error instanceof Conflict)) throw error
        if ((await owner(kind, name)) !== wanted) throw new NameTaken(kind, name)
      }
    },
  }
}
