/** The command line `ledgate`: it asks a running server, or opens the data folder itself when none runs. */
import { constants, setPriority, userInfo } from 'node:os'
import { CommanderError } from 'commander'
import { type Config, ConfigError, readConfig } from './config/index.ts'
import { askServer, type Ask, NoServer, createProgram, createRemote, type Where } from './admin/cli/index.ts'
import { socketPath } from './admin/vocabulary/index.ts'
import { Refused } from './refusal/index.ts'

// What opens the data is loaded by the command that opens it: beside a running server the command line only asks.
const backups = () => import('./compose/backup.ts')

/** Does it here, where no server runs, and closes again. */
async function here(config: Config, command: string, input: unknown, operator: string) {
  const [{ openOperator }, { createLogger }, { runCommand }] = await Promise.all([
    import('./compose.ts'),
    import('./http/index.ts'),
    import('./admin/socket/index.ts'),
  ])
  const { commands, close } = await openOperator(config, createLogger({ level: 'silent' }))
  try {
    const { status, body } = await runCommand(commands, { command, input, operator })
    if (status !== 200) throw new Refused((body as { message: string }).message)
    return body as Record<string, unknown>
  } finally {
    await close()
  }
}

/** Asks the server of the data folder; without one, does it itself. */
function local(): Ask {
  const config = readConfig()
  const operator = userInfo().username
  return async (command, input) => {
    try {
      return await askServer(socketPath(config.dataDir), { command, input, operator })
    } catch (error) {
      if (!(error instanceof NoServer)) throw error
    }
    return here(config, command, input, operator)
  }
}

function asker({ server, tokenFile }: Where): Ask {
  if (server === undefined) return local()
  if (tokenFile === undefined) throw new Refused('--server needs --token-file')
  return createRemote({ server, tokenFile })
}

try {
  const line = createProgram({
    asker,
    local: {
      backup: async (folder) =>
        (await backups()).takeBackup(readConfig(), folder, () => setPriority(constants.priority.PRIORITY_LOW)),
      databaseUser: async () => (await import('./compose/database-user.ts')).databaseUser(),
      restore: async (options) => (await backups()).restoreBackup(readConfig(), options),
    },
    print: (text) => process.stdout.write(`${text}\n`),
  })
  await line.exitOverride().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    const isOurs = error instanceof Refused || error instanceof ConfigError
    process.stderr.write(`ledgate: ${isOurs || error instanceof Error ? (error as Error).message : String(error)}\n`)
    process.exitCode = 1
  }
}
