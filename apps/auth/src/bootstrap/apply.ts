import { spellingsOf } from '@ledgate/oauth'
import { type Clients, readClient } from '../client/index.ts'
import type { CommandContext, EventLog } from '../log/index.ts'
import { type Names, readResource, type Resources } from '../resource/index.ts'
import { refusalOf } from '../operator/refusal.ts'
import { BootstrapError, type BootstrapFile } from './file.ts'

/** Makes people who count as confirmed. */
export interface AccountCreation {
  /** Does nothing when the address has an owner already. */
  create(
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
  /** A new context for each command. */
  context(): CommandContext
}

/** Hashing a password takes a core for a while: some at once, not all of them. */
const AT_ONCE = 4

async function forEach<Item>(items: readonly Item[], act: (item: Item, index: number) => Promise<void>): Promise<void> {
  const left = items.entries()
  const worker = async () => {
    for (const [index, item] of left) await act(item, index)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/**
 * Makes what is in the file and not there yet; what is there stays as it is. May be done at every start and by several
 * processes at once; whatever a crash left undone is done the next time.
 *
 * @throws {BootstrapError} after everything else is done, with all that could not be done and why.
 */
export async function applyBootstrap(file: BootstrapFile, dependencies: BootstrapDependencies): Promise<void> {
  const { log, names, clients, resources, accounts, context } = dependencies
  const problems: string[] = []

  /** Makes an entry unless it is there, or somebody else makes it at this moment. */
  async function ensure(path: string, isThere: () => Promise<boolean>, make: () => Promise<unknown>): Promise<void> {
    if (await isThere()) return
    try {
      await make()
    } catch (error) {
      if (await isThere()) return
      const reason = refusalOf(error)
      if (reason === undefined) throw error
      problems.push(`${path}: ${reason}`)
    }
  }

  const hasClient = async (clientId: string) => (await readClient(log, clientId)) !== undefined

  async function hasResource(clientId: string | undefined, resource: string): Promise<boolean> {
    const owners = await Promise.all(spellingsOf(resource).map((spelling) => names.owner('resource', spelling)))
    const owner = clientId ?? owners.find((each) => each !== undefined)?.replace(/^resource /, '')
    return owner !== undefined && (await readResource(log, owner)) !== undefined
  }

  await forEach(file.resources, ({ client_id, client_secret, ...metadata }, index) =>
    ensure(
      `resources[${index}]`,
      () => hasResource(client_id, metadata.resource),
      () => resources.register({ client_id, client_secret, metadata }, context()),
    ),
  )
  await forEach(file.clients, ({ client_id, client_secret, ...metadata }, index) =>
    ensure(
      `clients[${index}]`,
      () => hasClient(client_id),
      () => clients.register({ client_id, client_secret, metadata }, context()),
    ),
  )
  await forEach(file.users, (user, index) =>
    ensure(
      `users[${index}]`,
      async () => false,
      () => accounts.create(user, context()),
    ),
  )
  if (problems.length > 0) throw new BootstrapError(problems.toSorted())
}
