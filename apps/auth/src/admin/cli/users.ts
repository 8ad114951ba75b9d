import { readFileSync } from 'node:fs'
import { Refused } from '../../refusal/index.ts'
import { command, type CommandLine, formerly, group, repeated } from './command-line.ts'

const USER = '<sub or email>'
const ROLE = ['--role <role>', 'a role; can be repeated', repeated] as const
const ENTITLEMENT = ['--entitlement <entitlement>', 'an entitlement; can be repeated', repeated] as const
const REASON = '--reason <text>'

/** A password is no argument: other users of the machine see those. */
function passwordFromStdin(): string {
  const password = readFileSync(0, 'utf8').replace(/\r?\n$/, '')
  if (password === '') throw new Refused('the password is read from standard input, which is empty')
  return password
}

/** The commands about users. */
export function addUsers(line: CommandLine): void {
  const { run } = line
  const users = group(line, 'users', 'users and their accounts')
  command(users, 'users list')
    .option('--after <sub>')
    .option('--limit <n>')
    .action((options) => run('users list', options))
  command(users, 'users show')
    .argument(USER)
    .action((sub) => run('users show', { sub }))
  command(users, 'users create')
    .addHelpText('after', '\nThe password is read from standard input.')
    .argument('<email>')
    .option(...ROLE)
    .option(...ENTITLEMENT)
    .action((email, { role = [], entitlement = [] }) =>
      run('users create', { email, password: passwordFromStdin(), roles: role, entitlements: entitlement }),
    )
  command(users, 'users disable')
    .argument(USER)
    .option(REASON)
    .action((sub, { reason }) => run('users disable', { sub, reason }))
  command(users, 'users enable')
    .argument(USER)
    .action((sub) => run('users enable', { sub }))
  command(users, 'users roles')
    .argument(USER)
    .option(...ROLE)
    .option(...ENTITLEMENT)
    .action((sub, { role = [], entitlement = [] }) =>
      run('users roles', { sub, roles: role, entitlements: entitlement }),
    )
  command(users, 'users reset-password')
    .argument(USER)
    .action((sub) => run('users reset-password', { sub }))
  command(users, 'users end-sessions')
    .argument(USER)
    .option(REASON)
    .action((sub, { reason }) => run('users end-sessions', { sub, reason }))
  for (const erase of [command(users, 'users erase'), formerly(line, 'erase')])
    erase
      .argument(USER)
      .option(REASON)
      .action((sub, { reason }) => run('users erase', { sub, reason }))
}
