import { spellingsOf } from '@ledgate/oauth'
import { normalizeAddress } from '../../email-address/index.ts'
import { type Clients, readClient } from '../../client/index.ts'
import type { CommandContext, EventLog, KeyedHash } from '../../log/index.ts'
import { type Names } from '../../name/index.ts'
import { readResource, type Resources } from '../../resource/index.ts'
import { refusalOf } from '../commands/index.ts'
import { openAppliedEntries, type EntryName, entryNames } from './applied.ts'
import { BootstrapError, type BootstrapFile, type RefusedEntry } from './file.ts'

/** Makes users who count as confirmed. */
export interface AccountCreation {
  /** Whether the address has an owner, or the same actor made one for it once, whatever became of them. */
  wasMade(person: { readonly email: string }, context: CommandContext): Promise<boolean>
  /** Does nothing then. */
  createOnce(
    person: {
      readonly email: string
      readonly password: string
      readonly roles: readonly string[]
      readonly entitlements: readonly string[]
    },
    context: CommandContext,
  ): Promise<unknown>
}

export interface BootstrapDependencies {
  readonly log: EventLog
  readonly names: Names
  readonly clients: Clients
  readonly resources: Resources
  readonly accounts: AccountCreation
  readonly keyedHash: KeyedHash
  /** A new context for each command. */
  context(): CommandContext
}

/** How an entry is told again, and how it is applied. */
interface Entry {
  readonly known: readonly [EntryName, ...EntryName[]]
  isThere(): Promise<boolean>
  make(): Promise<unknown>
}

/** Hashing a password takes a core for a while: some at once, not all of them. */
const AT_ONCE = 4

async function forEach<Item>(
  items: readonly (Item | undefined)[],
  act: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const left = items.entries()
  const worker = async () => {
    for (const [index, item] of left) if (item !== undefined) await act(item, index)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** What entries of the file ask for, as it is there now. */
function whatIsThere({ log, names, resources }: Pick<BootstrapDependencies, 'log' | 'names' | 'resources'>) {
  return {
    hasClient: async (clientId: string) => (await readClient(log, clientId)) !== undefined,

    async hasResource(clientId: string | undefined, resource: string): Promise<boolean> {
      const spellings = spellingsOf(resource)
      const owners = await Promise.all(spellings.map((spelling) => names.owner('resource', spelling)))
      const owner = clientId ?? owners.find((each) => each !== undefined)?.replace(/^resource /, '')
      // The one that was made for the identifier may have another one by now.
      const made = clientId === undefined ? spellings.map((spelling) => resources.idFor(spelling)) : []
      for (const candidate of [owner, ...made])
        if (candidate !== undefined && (await readResource(log, candidate)) !== undefined) return true
      return false
    },
  }
}

/** Whether an entry that is no longer taken was applied once, by this version or an older one. Writes nothing. */
export function appliedBefore(dependencies: BootstrapDependencies): (entry: RefusedEntry) => Promise<boolean> {
  const { log, keyedHash, accounts, context } = dependencies
  const applied = openAppliedEntries(log)
  const nameOf = entryNames(keyedHash)
  const there = whatIsThere(dependencies)
  return async ({ kind, names: { client_id, resource, email } }) => {
    if (kind === 'user') {
      if (email === undefined || normalizeAddress(email) === undefined) return false
      return (await applied.has(nameOf.user({ email }))) || accounts.wasMade({ email }, context())
    }
    if (kind === 'client')
      return client_id !== undefined && ((await applied.has(nameOf.client(client_id))) || there.hasClient(client_id))
    if (resource === undefined) return false
    const [name] = nameOf.resource({ client_id, resource })
    return (await applied.has(name)) || there.hasResource(client_id, resource)
  }
}

/**
 * Applies every entry of the file that was never applied; what is there stays as it is. An entry that was applied once is
 * not applied again, whatever became of what it made: moved, renamed, disabled, erased. May be done at every start and by
 * several processes at once; whatever a crash left undone is done the next time.
 *
 * @throws {BootstrapError} after everything else is done, with all that could not be done and why.
 */
export async function applyBootstrap(file: BootstrapFile, dependencies: BootstrapDependencies): Promise<void> {
  const { log, clients, resources, accounts, keyedHash, context } = dependencies
  const applied = openAppliedEntries(log)
  const nameOf = entryNames(keyedHash)
  const problems: string[] = []

  /** Whether what the entry asks for is there now; what cannot be made is a problem. */
  async function isMade(path: string, { isThere, make }: Pick<Entry, 'isThere' | 'make'>): Promise<boolean> {
    if (await isThere()) return true
    try {
      await make()
      return true
    } catch (error) {
      if (await isThere()) return true // somebody else made it at this moment
      const reason = refusalOf(error)
      if (reason === undefined) throw error
      problems.push(`${path}: ${reason}`)
      return false
    }
  }

  /** Applies an entry unless it was applied before, under the first of its names. */
  async function ensure(path: string, { known, ...entry }: Entry): Promise<void> {
    const [first] = known
    if (await applied.has(first)) return
    if (await isMade(path, entry)) for (const name of known) await applied.add(name, context())
  }

  const { hasClient, hasResource } = whatIsThere(dependencies)

  await forEach(file.resources, (entry, index) => {
    const { client_id, client_secret, ...metadata } = entry
    return ensure(`resources[${index}]`, {
      known: nameOf.resource(entry),
      isThere: () => hasResource(client_id, metadata.resource),
      make: () => resources.register({ client_id, client_secret, metadata }, context()),
    })
  })
  await forEach(file.clients, ({ client_id, client_secret, ...metadata }, index) =>
    ensure(`clients[${index}]`, {
      known: [nameOf.client(client_id)],
      isThere: () => hasClient(client_id),
      make: () => clients.register({ client_id, client_secret, metadata }, context()),
    }),
  )
  await forEach(file.users, (user, index) =>
    ensure(`users[${index}]`, {
      known: [nameOf.user(user)],
      isThere: async () => false,
      make: () => accounts.createOnce(user, context()),
    }),
  )
  if (problems.length > 0) throw new BootstrapError(problems.toSorted())
}
