import { readFileSync } from 'node:fs'
import { Refused } from '../../refusal/index.ts'
import { command, type CommandLine, group } from './command-line.ts'

const ID = '<client_id>'

/** Metadata as JSON on the command line, or in a file named `@file`. */
function metadata(text: string): unknown {
  try {
    return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text)
  } catch (error) {
    throw new Refused('the metadata is not valid JSON', { cause: error })
  }
}

/** The commands about clients, or about resource servers: the same words for both. */
export function addApplications(line: CommandLine, noun: 'clients' | 'resources', what: string): void {
  const { run } = line
  const applications = group(line, noun, what)
  command(applications, `${noun} list`)
    .option('--after <client_id>')
    .option('--limit <n>')
    .action((options) => run(`${noun} list`, options))
  command(applications, `${noun} show`)
    .argument(ID)
    .action((client_id) => run(`${noun} show`, { client_id }))
  command(applications, `${noun} create`)
    .argument('<metadata>', 'JSON, or @file')
    .option('--client-id <id>', 'default: generated')
    .action((text, { clientId }) => run(`${noun} create`, { client_id: clientId, metadata: metadata(text) }))
  command(applications, `${noun} update`)
    .argument(ID)
    .argument('<metadata>', 'JSON, or @file')
    .action((client_id, text) => run(`${noun} update`, { client_id, metadata: metadata(text) }))
  command(applications, `${noun} disable`)
    .argument(ID)
    .option('--reason <text>')
    .action((client_id, { reason }) => run(`${noun} disable`, { client_id, reason }))
  command(applications, `${noun} enable`)
    .argument(ID)
    .action((client_id) => run(`${noun} enable`, { client_id }))
  command(applications, `${noun} add-secret`)
    .argument(ID)
    .action((client_id) => run(`${noun} add-secret`, { client_id }))
  command(applications, `${noun} revoke-secret`)
    .argument(ID)
    .argument('<secret_id>')
    .allowUnknownOption() // it may begin with a hyphen
    .action((client_id, secret_id) => run(`${noun} revoke-secret`, { client_id, secret_id }))
}
