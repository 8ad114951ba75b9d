import type { RestoreOptions } from '../vocabulary/index.ts'
import { command, type CommandLine, repeated } from './command-line.ts'

/** What is done to files and databases themselves, whether or not a server runs. */
export interface LocalCommands {
  backup(folder: string): Promise<Record<string, unknown>>
  restore(options: RestoreOptions): Promise<Record<string, unknown>>
  /** Done to EventStoreDB, by its administrator. */
  databaseUser(): Promise<Record<string, unknown>>
}

/** The commands that no server is asked for. */
export function addFiles({ root, answer }: CommandLine, local: LocalCommands): void {
  command(root, 'backup')
    .argument('<folder>')
    .action(async (folder) => answer(await local.backup(folder)))
  command(root, 'restore')
    .argument('<folder>')
    .option('--to <position>', 'the last event to keep')
    .option('--erased-in <events.db>', 'a newer log: users erased in it are erased again; can be repeated', repeated)
    .action(async (folder, { to, erasedIn = [] }) => answer(await local.restore({ folder, to, erasedIn })))
  command(root, 'eventstoredb-user').action(async () => answer(await local.databaseUser()))
}
