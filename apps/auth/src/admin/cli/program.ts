import { Command } from 'commander'
import { addApplications } from './applications.ts'
import type { Ask, CommandLine } from './command-line.ts'
import { addFiles, type LocalCommands } from './files.ts'
import { addKeys } from './keys.ts'
import { addEvents } from './show-events.ts'
import { show } from './show.ts'
import { addUsers } from './users.ts'

/** Where a command is to be run. */
export interface Where {
  readonly server?: string
  readonly tokenFile?: string
}

export interface ProgramDependencies {
  /** How to ask there. */
  asker(where: Where): Ask
  readonly local: LocalCommands
  /** Writes a line to standard output. */
  print(line: string): void
}

/** The command line `ledgate`. */
export function createProgram({ asker, local, print }: ProgramDependencies): Command {
  const root = new Command('ledgate')
    .description('Operate a Ledgate installation, with or without a running server.')
    .option('--json', 'print JSON')
    .option('--server <issuer>', 'use the administration API of this server over HTTP')
    .option('--token-file <file>', 'a file with the access token for it')
  const isJson = () => root.opts()['json'] === true
  const answer = (value: Record<string, unknown>) => print(isJson() ? JSON.stringify(value) : show(value))
  const ask: Ask = (command, input) => asker(root.opts<Where>())(command, input)
  const run: CommandLine['run'] = async (command, input = {}) => answer(await ask(command, input))
  const line: CommandLine = { root, ask, run, answer, print, isJson }
  addUsers(line)
  addApplications(line, 'clients', 'clients')
  addApplications(line, 'resources', 'resource servers')
  addFiles(line, local)
  addKeys(line)
  addEvents(line)
  return root
}
