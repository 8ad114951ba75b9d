import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { inject } from 'vitest'
import { type AtEnd, endOfNow } from './at-end.ts'
import { requestsTo, send } from './requests.ts'
import { WORLD } from './world.ts'

/** A file of an app's source, or what was built of it for this run. */
const fileOf = (path: string, isSource: boolean) =>
  (isSource ? undefined : inject('built')[path]) ?? join(import.meta.dirname, '../..', path)

/** A data folder and a port: what stays when the process goes. */
export interface Installation {
  readonly folder: string
  readonly dataDir: string
  readonly url: string
  readonly environment: Readonly<Record<string, string>>
  /** When it goes, and its processes with it. */
  readonly atEnd: AtEnd
  writeBootstrap(file: object): void
}

/** A process of the real server. */
export interface Server {
  readonly process: ChildProcess
  readonly pid: number
  /** Everything it wrote, to both outputs. */
  output(): string
  /** Resolves with the exit code, or with the signal that ended it. */
  readonly ended: Promise<number | string>
  /** Ends it as an operator does. */
  stop(): Promise<number | string>
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}

/** What the shell of the test is set to must not change what is tested. */
const inherited = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(LEDGATE|DEMO)_/.test(name) && name !== 'NODE_ENV'),
  )

/** A new installation of its own, thrown away at the end. */
export async function newInstallation(bootstrap: object = WORLD): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-e2e-'))
  const atEnd = endOfNow()
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  const file = join(folder, 'bootstrap.json')
  const writeBootstrap = (content: object) => writeFileSync(file, JSON.stringify(content))
  writeBootstrap(bootstrap)
  const url = `http://127.0.0.1:${port}`
  const dataDir = join(folder, 'data')
  const environment = {
    LEDGATE_PORT: String(port),
    LEDGATE_ISSUER: url,
    LEDGATE_DATA_DIR: dataDir,
    LEDGATE_BOOTSTRAP: file,
    LEDGATE_RATE_LIMITS: 'off',
  }
  return { folder, dataDir, url, environment, atEnd, writeBootstrap }
}

export interface SpawnOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** Runs the source itself, also where others run what was built of it. */
  readonly isSource?: boolean
  /** A command that runs the command behind it. */
  readonly under?: readonly string[]
  /** When the process goes at the latest; default: with what starts it. */
  readonly atEnd?: AtEnd
}

/** Runs a file of an app's source. */
export function run(
  file: string,
  args: readonly string[],
  { environment = {}, isSource = false, under = [], atEnd = endOfNow() }: SpawnOptions,
) {
  const command = [...under, process.execPath, '--conditions=@ledgate/source', fileOf(file, isSource), ...args]
  const [program = '', ...rest] = command
  const child = spawn(program, rest, { env: { ...inherited(), ...environment }, stdio: ['pipe', 'pipe', 'pipe'] })
  let [standard, both] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => ([standard, both] = [standard + chunk, both + chunk]))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (both += chunk))
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  atEnd(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, ended, standard: () => standard, output: () => both }
}

/** Starts the server and does not wait. */
export function spawnServer(installation: Installation, options: SpawnOptions = {}): Server {
  const environment = { ...installation.environment, ...options.environment }
  const { child, ended, output } = run('auth/src/main.ts', [], {
    atEnd: installation.atEnd,
    ...options,
    environment,
  })
  return {
    process: child,
    pid: child.pid ?? 0,
    output,
    ended,
    stop() {
      child.kill('SIGTERM')
      return ended
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Resolves when the server is ready. @throws {Error} with what it said when it ended before. */
export async function ready({ url }: Installation, server: Server): Promise<void> {
  let end: number | string | undefined
  void server.ended.then((code) => (end = code))
  for (const until = Date.now() + 180_000; Date.now() < until && end === undefined; await pause(50)) {
    const answer = await send(`${url}/readyz`).catch(() => undefined)
    if (answer?.status === 200) return
  }
  throw new Error(`the server did not become ready (${end}): ${server.output().slice(-3000)}`)
}

/** A server that is ready, and the way to talk to it. */
export async function startServer(installation: Installation, options: SpawnOptions = {}) {
  const server = spawnServer(installation, options)
  await ready(installation, server)
  return { ...server, ...requestsTo(installation.url) }
}

/** What a command of the command line printed, and how it ended. */
export async function ledgate(
  { environment }: Installation,
  args: readonly string[],
  input = '',
  under: readonly string[] = [],
): Promise<{ code: number | string; output: string; json(): Record<string, unknown> }> {
  const { child, ended, standard, output } = run('auth/src/ledgate.ts', args, { environment, under })
  child.stdin.end(input)
  const code = await ended
  return { code, output: output(), json: () => JSON.parse(standard()) as Record<string, unknown> }
}
