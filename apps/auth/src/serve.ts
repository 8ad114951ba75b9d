import { compose } from './compose.ts'
import { type Config, ConfigError, readConfig } from './config/index.ts'
import { createLogger } from './http/index.ts'

/** How long requests under way may take to end before the process goes anyway. */
const SHUTDOWN_LIMIT_MS = 20_000

function loadConfig(): Config {
  try {
    return readConfig()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(`ledgate: ${error.message}`)
    process.exit(1)
  }
}

/** For whoever sees the console, and for no log: the log of the server is something else, on standard output. */
const setupHint = (issuer: string, token: string): string =>
  [
    'There is no administrator yet. To make the first one, within an hour:',
    `  curl ${issuer}/admin/setup -H 'content-type: application/json' -d '{"token":"${token}","email":"…","password":"…"}'`,
    '',
  ].join('\n')

/** Runs the server until it is told to stop; then it answers what it took, and ends. */
export async function serve(): Promise<void> {
  const config = loadConfig()
  const log = createLogger({ level: config.logLevel })
  const fail = (message: string) => (error: unknown) => {
    log.fatal({ err: error }, `${message}: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(1)
  }
  process.on('uncaughtException', fail('uncaught exception'))
  process.on('unhandledRejection', fail('unhandled rejection'))

  const ledgate = await compose(config, log).catch(fail('could not start'))
  let stopping = false
  const stop = (signal: string) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping')
    setTimeout(() => fail('could not stop')(new Error('stopping took too long')), SHUTDOWN_LIMIT_MS).unref()
    ledgate.close().then(() => log.info('stopped'), fail('could not stop'))
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop)

  await ledgate.app.listen({ host: config.host, port: config.port }).catch(fail('could not listen'))
  log.info({ issuer: config.issuer, dataDir: config.dataDir }, 'ready to listen')
  if (ledgate.setupToken !== undefined) process.stderr.write(setupHint(config.issuer, ledgate.setupToken))
}
