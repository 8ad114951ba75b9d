import { OAuthError } from '@ledgate/oauth'
import { type CommandContext, consequenceOf, type EventLog, handle, type KeyedHash, readState } from '../log/index.ts'
import { nameStream } from './events.ts'
import { type Name, type NameKind, nameOwner, NameTaken } from './name.decider.ts'

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
  const handled = ({ kind, name }: Name) => ({ stream: nameStream.of(hash(`${kind} ${name}`)), decider: nameOwner })

  const ownerOf = async (name: Name) => (await readState(log, handled(name))).state

  /** Says whether it was taken just now. @throws {NameTaken} */
  async function take(name: Name, owner: string, context: CommandContext): Promise<boolean> {
    const { position } = await handle(log, handled(name), () => ({
      command: { type: 'Reserve', name, owner } as const,
      context,
    }))
    return position !== undefined
  }

  async function giveBack(name: Name, owner: string, context: CommandContext): Promise<void> {
    const released = { ...consequenceOf(context), commandId: `${context.commandId}/release` }
    await handle(log, handled(name), () => ({ command: { type: 'Release', name, owner } as const, context: released }))
  }

  /** Nothing is written when it is plain beforehand that it is in vain. */
  async function assertFree(wanted: readonly Name[], owner: string): Promise<void> {
    for (const name of wanted) {
      const current = await ownerOf(name)
      if (current !== undefined && current !== owner) throw new NameTaken(name, current)
    }
  }

  return {
    owner: (kind, name) => ownerOf({ kind, name }),

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
