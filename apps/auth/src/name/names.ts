import { Conflict, runDecision } from '@ledgate/eventsourcing'
import { OAuthError } from '@ledgate/oauth'
import { type CommandContext, consequenceOf, type EventLog, type KeyedHash } from '../log/index.ts'
import { nameStream } from './events.ts'
import { Refused } from '../refusal/index.ts'

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

/** Names with one owner each, kept by reservation streams: no two can be first. */
export interface Names {
  /** Who owns a name, as `client <client_id>` or `resource <client_id>`; never older than the call. */
  owner(kind: NameKind, name: string): Promise<string | undefined>
  /**
   * Takes all of these names or none. Taking what one owns already changes nothing, so that whoever died in the middle
   * is completed by the same call. Names are taken in one order, so that of those who want the same one wins.
   *
   * @returns what follows from it: when a name was taken just now, the command is decided, and needs its right no more. So no
   * name is left to an owner who was refused.
   * @throws {NameTaken} if one of them belongs to another owner.
   */
  reserve(names: readonly Name[], owner: string, context: CommandContext): Promise<CommandContext>
  /** Gives back those of these names that are its own. */
  release(names: readonly Name[], owner: string, context: CommandContext): Promise<void>
}

const inOrder = (names: readonly Name[]): Name[] =>
  names.toSorted((one, other) => (`${one.kind} ${one.name}` < `${other.kind} ${other.name}` ? -1 : 1))

/** Names kept in `scope-<hmac>`. */
export function openNames(log: EventLog, hash: KeyedHash): Names {
  const streamOf = ({ kind, name }: Name) => nameStream.of(hash(`${kind} ${name}`))

  /** The owner, and what an append to the stream has to expect. */
  async function read(name: Name) {
    const [newest] = await log.last(streamOf(name))
    const owner = newest?.type === 'NameReserved' ? newest.data.owner : undefined
    return { owner, expected: newest?.revision ?? ('noStream' as const) }
  }

  /** Says whether it was taken just now. @throws {NameTaken} */
  const take = (name: Name, owner: string, context: CommandContext) =>
    runDecision(() => takeFirst(name, owner, context))

  async function takeFirst(name: Name, owner: string, context: CommandContext): Promise<boolean> {
    const { owner: current, expected } = await read(name)
    if (current === owner) return false
    if (current !== undefined) throw new NameTaken(name, current)
    try {
      await log.append(streamOf(name), [{ type: 'NameReserved', data: { ...name, owner } }], { expected, context })
      return true
    } catch (error) {
      if (!(error instanceof Conflict)) throw error
      return takeFirst(name, owner, context) // somebody was faster: now it has an owner, or none again
    }
  }

  const giveBack = (name: Name, owner: string, context: CommandContext) =>
    runDecision(() => release(name, owner, context))

  async function release(name: Name, owner: string, context: CommandContext): Promise<void> {
    const { owner: current, expected } = await read(name)
    if (current !== owner) return
    const released = { type: 'NameReleased', data: { ...name } } as const
    await log.append(streamOf(name), [released], {
      expected,
      context: { ...consequenceOf(context), commandId: `${context.commandId}/release` },
    })
  }

  /** Nothing is written when it is plain beforehand that it is in vain. */
  async function assertFree(wanted: readonly Name[], owner: string): Promise<void> {
    for (const name of wanted) {
      const { owner: current } = await read(name)
      if (current !== undefined && current !== owner) throw new NameTaken(name, current)
    }
  }

  return {
    owner: async (kind, name) => (await read({ kind, name })).owner,

    async release(left, owner, context) {
      for (const name of left) await giveBack(name, owner, context)
    },

    async reserve(wanted, owner, context) {
      const ordered = inOrder(wanted)
      await assertFree(ordered, owner)
      const taken: Name[] = []
      try {
        for (const name of ordered) if (await take(name, owner, context)) taken.push(name)
      } catch (error) {
        const isRefused = error instanceof NameTaken || error instanceof OAuthError
        if (isRefused) for (const name of taken) await giveBack(name, owner, context)
        throw error
      }
      return taken.length > 0 ? consequenceOf(context) : context
    },
  }
}
