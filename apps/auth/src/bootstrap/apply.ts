import { Conflict } from '@ledgate/eventsourcing'
import { type Clients, readClient } from '../client/index.ts'
import type { CommandContext, EventLog } from '../log/index.ts'
import { readResource, type Resources } from '../resource/index.ts'
import type { BootstrapFile } from './file.ts'

export interface BootstrapDependencies {
  readonly log: EventLog
  readonly clients: Clients
  readonly resources: Resources
  readonly accounts: {
    /** A confirmed person; nothing when the address has an owner. */
    create(
      person: { email: string; password: string; roles: readonly string[]; entitlements: readonly string[] },
      context: CommandContext,
    ): Promise<unknown>
  }
  /** A new command for each entry. */
  context(): CommandContext
}

/** Does it; that another process was first is as good. */
async function unlessThere(isThere: () => Promise<boolean>, make: () => Promise<unknown>): Promise<void> {
  if (await isThere()) return
  try {
    await make()
  } catch (error) {
    if (!(error instanceof Conflict) || !(await isThere())) throw error
  }
}

/**
 * Makes what the file names and is not there; what is there stays as it is. Can be applied again and again, by any
 * number of processes, and after a crash in the middle.
 */
export async function applyBootstrap(file: BootstrapFile, dependencies: BootstrapDependencies): Promise<void> {
  const { log, clients, resources, accounts, context } = dependencies
  for (const entry of file.resources)
    await unlessThere(
      async () => (await readResource(log, entry.client_id)) !== undefined,
      () => resources.register(entry, context()),
    )
  for (const entry of file.clients)
    await unlessThere(
      async () => (await readClient(log, entry.client_id)) !== undefined,
      () => clients.register(entry, context()),
    )
  for (const person of file.users) await accounts.create(person, context())
}
