import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { JsonObject } from '@ledgate/eventsourcing'
import { Command } from 'commander'
import { Refused, type RestoreOptions } from '../vocabulary/index.ts'
import { show } from './show.ts'

/** Runs a command by its words, wherever that is. */
export type Ask = (command: string, input: Record<string, unknown>) => Promise<Record<string, unknown>>

/** Where a command is to be run. */
export interface Where {
  readonly server?: string
  readonly tokenFile?: string
}

export interface ProgramDependencies {
  /** How to ask there. */
  asker(where: Where): Ask
  /** What is done to files, wherever a server runs. */
  readonly local: {
    backup(folder: string): Promise<Record<string, unknown>>
    restore(options: RestoreOptions): Promise<Record<string, unknown>>
    /** Done to EventStoreDB, by its administrator. */
    databaseUser(): Promise<Record<string, unknown>>
  }
  /** Writes a line to standard output. */
  print(line: string): void
}

const FOLLOW_MS = 500

const list = (value: string, before: string[] = []) => [...before, value]

/** Milliseconds since the epoch. */
function time(text: string): number {
  const parsed = Date.parse(text)
  if (Number.isNaN(parsed)) throw new Refused(`${text} is not a time such as 2026-01-31T12:00:00Z`)
  return parsed
}

/** Metadata as JSON on the command line, or in a file named `@file`. */
function metadata(text: string): unknown {
  try {
    return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text)
  } catch (error) {
    throw new Refused('the metadata is not valid JSON', { cause: error })
  }
}

/** A password is no argument: other people of the machine see those. */
function passwordFromStdin(): string {
  const password = readFileSync(0, 'utf8').replace(/\r?\n$/, '')
  if (password === '') throw new Refused('the password is read from standard input, which is empty')
  return password
}

/** The command line `ledgate`. */
export function program({ asker, local, print }: ProgramDependencies): Command {
  const root = new Command('ledgate').description('Operate a Ledgate installation, with or without a running server.')
  root.option('--json', 'print JSON')
  root.option('--server <issuer>', 'use the administration API of this server over HTTP')
  root.option('--token-file <file>', 'a file with the access token for it')
  const ask: Ask = (command, input) => asker(root.opts<Where>())(command, input)
  const answer = (value: Record<string, unknown>) => print(root.opts()['json'] ? JSON.stringify(value) : show(value))
  const run = async (command: string, input: Record<string, unknown> = {}) => answer(await ask(command, input))

  const users = root.command('users').description('users')
  users
    .command('list')
    .option('--after <sub>')
    .option('--limit <n>')
    .action((options) => run('users list', options))
  users
    .command('show')
    .argument('<sub or email>')
    .action((sub) => run('users show', { sub }))
  users
    .command('create')
    .description('create a user with a confirmed address; the password is read from standard input')
    .argument('<email>')
    .option('--role <role>', 'a role; can be repeated', list)
    .option('--entitlement <entitlement>', 'an entitlement; can be repeated', list)
    .action((email, { role = [], entitlement = [] }) =>
      run('users create', { email, password: passwordFromStdin(), roles: role, entitlements: entitlement }),
    )
  users
    .command('disable')
    .description('prevent sign-in and revoke all tokens')
    .argument('<sub or email>')
    .option('--reason <text>')
    .action((sub, { reason }) => run('users disable', { sub, reason }))
  users
    .command('enable')
    .argument('<sub or email>')
    .action((sub) => run('users enable', { sub }))
  users
    .command('roles')
    .description('replace roles and entitlements; taking any away revokes all tokens')
    .argument('<sub or email>')
    .option('--role <role>', 'a role; can be repeated', list)
    .option('--entitlement <entitlement>', 'an entitlement; can be repeated', list)
    .action((sub, { role = [], entitlement = [] }) =>
      run('users roles', { sub, roles: role, entitlements: entitlement }),
    )
  users
    .command('reset-password')
    .description('remove the password, revoke all tokens and email a link to set a new password')
    .argument('<sub or email>')
    .action((sub) => run('users reset-password', { sub }))
  users
    .command('end-sessions')
    .description('revoke all sessions and tokens')
    .argument('<sub or email>')
    .option('--reason <text>')
    .action((sub, { reason }) => run('users end-sessions', { sub, reason }))

  for (const [noun, what] of [
    ['clients', 'clients'],
    ['resources', 'resource servers'],
  ] as const) {
    const group = root.command(noun).description(what)
    group
      .command('list')
      .option('--after <client_id>')
      .option('--limit <n>')
      .action((options) => run(`${noun} list`, options))
    group
      .command('show')
      .argument('<client_id>')
      .action((client_id) => run(`${noun} show`, { client_id }))
    group
      .command('create')
      .description('register from JSON metadata, or @file; a generated secret is shown once')
      .argument('<metadata>')
      .option('--client-id <id>', 'default: generated')
      .action((text, { clientId }) => run(`${noun} create`, { client_id: clientId, metadata: metadata(text) }))
    group
      .command('update')
      .description('replace all metadata with JSON, or @file')
      .argument('<client_id>')
      .argument('<metadata>')
      .action((client_id, text) => run(`${noun} update`, { client_id, metadata: metadata(text) }))
    group
      .command('disable')
      .argument('<client_id>')
      .option('--reason <text>')
      .action((client_id, { reason }) => run(`${noun} disable`, { client_id, reason }))
    group
      .command('enable')
      .argument('<client_id>')
      .action((client_id) => run(`${noun} enable`, { client_id }))
    group
      .command('add-secret')
      .description('add a second secret; it is shown once')
      .argument('<client_id>')
      .action((client_id) => run(`${noun} add-secret`, { client_id }))
    group
      .command('revoke-secret')
      .argument('<client_id>')
      .argument('<secret_id>')
      .allowUnknownOption() // it may begin with a hyphen
      .action((client_id, secret_id) => run(`${noun} revoke-secret`, { client_id, secret_id }))
  }

  root
    .command('erase')
    .description('erase a user: their data becomes unreadable for good, in the log and in every copy of it')
    .argument('<sub or email>')
    .option('--reason <text>')
    .action((sub, { reason }) => run('users erase', { sub, reason }))
  root
    .command('end-all-tokens')
    .description('revoke every grant and token: after a database was restored, or in an emergency')
    .option('--reason <text>')
    .action(({ reason }) => run('tokens end-all', { reason }))
  root
    .command('pending-erasures')
    .description('list erased keys that EventStoreDB keeps in its files until its next scavenge')
    .action(() => run('vault pending'))
  root
    .command('rewrap-vault')
    .description('reload the master keys and rewrap the vault with the first of them, while the server runs')
    .action(() => run('vault rewrap'))
  root
    .command('backup')
    .description('copy log and vault into a new folder while the server runs; the master key is not included')
    .argument('<folder>')
    .action(async (folder) => answer(await local.backup(folder)))
  root
    .command('restore')
    .description(
      'restore a backup into an empty data folder; the server must be stopped; every earlier token is revoked',
    )
    .argument('<folder>')
    .option('--to <position>', 'the last event to keep')
    .option('--erased-in <events.db>', 'a newer log: users erased in it are erased again; can be repeated', list)
    .action(async (folder, { to, erasedIn = [] }) => answer(await local.restore({ folder, to, erasedIn })))

  root
    .command('eventstoredb-user')
    .description(
      'create the user of LEDGATE_EVENTSTOREDB_URL, as the administrator of LEDGATE_EVENTSTOREDB_ADMIN_URL; can be repeated',
    )
    .action(async () => answer(await local.databaseUser()))

  const keys = root.command('keys').description('signing, feed and derivation keys')
  keys.command('list').action(() => run('keys list'))
  keys
    .command('rotate')
    .argument('[use]', 'signing, feed or derivation', 'signing')
    .action((use) => run('keys rotate', { use }))
  keys
    .command('compromise')
    .description('destroy a leaked key: everything it signed or derived is invalid at once')
    .argument('<use>', 'signing, feed or derivation')
    .argument('<kid>')
    .allowUnknownOption() // every 64th kid begins with a hyphen
    .action((use, kid) => run('keys compromise', { use, kid }))

  root
    .command('events')
    .description('list events, oldest first')
    .option('--last <n>', 'at most this many')
    .option('--stream <name>')
    .option('--type <type>')
    .option('--subject <sub or client_id>')
    .option('--actor <type:id>')
    .option('--since <time>', 'an ISO 8601 time', time)
    .option('--after <position>', 'only events after this one, oldest first')
    .option('--follow', 'keep printing new events')
    .action(async ({ follow, ...query }: { follow?: boolean } & Record<string, unknown>) => {
      let seen: string | undefined
      const more = async (input: Record<string, unknown>) => {
        const { events, position } = (await ask('events', input)) as { events: JsonObject[]; position?: string }
        seen = position ?? seen
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
