/** The command line `ledgate`: it asks a running server, or opens the data folder itself when none runs. */
import { userInfo } from 'node:os'
import { CommanderError } from 'commander'
import { restoreBackup, takeBackup } from '../compose/backup.ts'
import { openOperator } from '../compose.ts'
import { ConfigError, readConfig } from '../config.ts'
import { logger } from '../http/index.ts'
import { Refused, runCommand, socketPath } from '../operator/index.ts'
import { ask, NoServer } from './ask.ts'
import { type Ask, program, type Where } from './program.ts'
import { remote } from './remote.ts'

/** Asks the server of the data folder; without one, does it here and closes again. */
function local(): Ask {
  const config = readConfig()
  const operator = userInfo().username
  return async (command, input) => {
    try {
      return await ask(socketPath(config.dataDir), { command, input, operator })
    } catch (error) {
      if (!(error instanceof NoServer)) throw error
    }
    const { commands, close } = await openOperator(config, logger({ level: 'silent' }))
    try {
      const { status, body } = await runCommand(commands, { command, input, operator })
      if (status !== 200) throw new Refused((body as { message: string }).message)
      return body as Record<string, unknown>
    } finally {
      await close()
    }
  }
}

function asker({ server, tokenFile }: Where): Ask {
  if (server === undefined) return local()
  if (tokenFile === undefined) throw new Refused('--server needs --token-file')
  return remote({ server, tokenFile })
}

try {
  const line = program({
    asker,
    local: {
      backup: (folder) => takeBackup(readConfig(), folder),
      restore: (options) => restoreBackup(readConfig(), options),
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
