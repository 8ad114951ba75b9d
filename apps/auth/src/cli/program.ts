import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Command } from 'commander'
import { Refused } from '../operator/index.ts'
import { show } from './show.ts'

/** Runs a command by its words, wherever that is. */
export type Ask = (command: string, input: Record<string, unknown>) => Promise<Record<string, unknown>>

export interface ProgramDependencies {
  readonly ask: Ask
  /** Writes a line to standard output. */
  print(line: string): void
}

const FOLLOW_MS = 500

const list = (value: string, before: string[] = []) => [...before, value]
const count = (value: string) => Number.parseInt(value, 10)

/** Metadata as JSON on the command line, or in a file named `@file`. */
function metadata(text: string): unknown {
  try {
    return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text)
  } catch (error) {
    throw new Refused('the metadata is not JSON', { cause: error })
  }
}

/** A password is no argument: other people of the machine see those. */
function passwordFromStdin(): string {
  const password = readFileSync(0, 'utf8').replace(/\r?\n$/, '')
  if (password === '') throw new Refused('the password is read from standard input, and there was none')
  return password
}

/** The command line `ledgate`. */
export function program({ ask, print }: ProgramDependencies): Command {
  const root = new Command('ledgate').description(
    'Operate a Ledgate installation, beside a running server or without one.',
  )
  root.option('--json', 'answer in JSON')
  const answer = (value: Record<string, unknown>) => print(root.opts()['json'] ? JSON.stringify(value) : show(value))
  const run = async (command: string, input: Record<string, unknown> = {}) => answer(await ask(command, input))

  const users = root.command('users').description('people')
  users
    .command('list')
    .option('--after <sub>')
    .option('--limit <n>', '', count)
    .action((options) => run('users list', options))
  users
    .command('show')
    .argument('<sub>')
    .action((sub) => run('users show', { sub }))
  users
    .command('create')
    .description('create a confirmed person; the password comes from standard input')
    .argument('<email>')
    .option('--role <role>', 'a role, any number of times', list)
    .option('--entitlement <entitlement>', 'an entitlement, any number of times', list)
    .action((email, { role = [], entitlement = [] }) =>
      run('users create', { email, password: passwordFromStdin(), roles: role, entitlements: entitlement }),
    )
  users
    .command('disable')
    .description('no sign-in any more, and all tokens end')
    .argument('<sub or email>')
    .option('--reason <text>')
    .action((who, { reason }) => run('users disable', { who, reason }))
  users
    .command('enable')
    .argument('<sub or email>')
    .action((who) => run('users enable', { who }))

  for (const [noun, what] of [
    ['clients', 'clients'],
    ['resources', 'resource servers'],
  ] as const) {
    const group = root.command(noun).description(what)
    group
      .command('list')
      .option('--after <client_id>')
      .option('--limit <n>', '', count)
      .action((options) => run(`${noun} list`, options))
    group
      .command('show')
      .argument('<client_id>')
      .action((client_id) => run(`${noun} show`, { client_id }))
    group
      .command('create')
      .description('the metadata is JSON, or @file; a secret that is made is shown once')
      .argument('<metadata>')
      .option('--client-id <id>', 'made up when it is not given')
      .action((text, { clientId }) => run(`${noun} create`, { client_id: clientId, metadata: metadata(text) }))
    group
      .command('disable')
      .argument('<client_id>')
      .option('--reason <text>')
      .action((client_id, { reason }) => run(`${noun} disable`, { client_id, reason }))
    group
      .command('enable')
      .argument('<client_id>')
      .action((client_id) => run(`${noun} enable`, { client_id }))
    if (noun === 'resources') continue
    group
      .command('add-secret')
      .description('a second secret beside the one in use; shown once')
      .argument('<client_id>')
      .action((client_id) => run('clients add-secret', { client_id }))
    group
      .command('revoke-secret')
      .argument('<client_id>')
      .argument('<secret_id>')
      .action((client_id, secret_id) => run('clients revoke-secret', { client_id, secret_id }))
  }

  const keys = root.command('keys').description('signing and derivation keys')
  keys.command('list').action(() => run('keys list'))
  keys
    .command('rotate')
    .argument('[use]', 'signing or derivation', 'signing')
    .action((use) => run('keys rotate', { use }))

  root
    .command('events')
    .description('what happened, oldest first')
    .option('--last <n>', 'how many at most', count)
    .option('--stream <name>')
    .option('--type <type>')
    .option('--subject <sub or client_id>')
    .option('--actor <type:id>')
    .option('--since <time>', 'an ISO 8601 time', (value) => Date.parse(value))
    .option('--follow', 'go on with what happens')
    .action(async ({ follow, ...query }: { follow?: boolean } & Record<string, unknown>) => {
      let seen = ''
      const more = async (input: Record<string, unknown>) => {
        const { events } = (await ask('events', input)) as { events: { position: string }[] }
        seen = events.at(-1)?.position ?? seen
        if (root.opts()['json']) events.forEach((event) => print(JSON.stringify(event)))
        else if (events.length > 0) print(show({ events }))
      }
      await more(query)
      while (follow) {
        await pause(FOLLOW_MS)
        await more({ after: seen, last: 1000 })
      }
    })

  return root
}
