import { spawn, type ChildProcess } from 'node:child_process'
import { openSync, closeSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../process/free-port.ts'
import { bootstrapFile, type Bootstrap } from './bootstrap.ts'

export interface StartOptions {
  /** The server's entry file. */
  readonly entry: string
  /** A folder of this run; the server's data, its log and its bootstrap file go into it. */
  readonly folder: string
  readonly bootstrap?: Bootstrap
  /** Settings that differ. */
  readonly environment?: Readonly<Record<string, string>>
  /** Where Node keeps compiled code between starts; default: where it always does. */
  readonly compileCache?: string
  /** How long it may take to become ready. */
  readonly readyWithinMs?: number
}

/** The real server in a process of its own. Disposing of it stops it in an orderly way. */
export interface Ledgate extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  /** Milliseconds from its start to the first 200 of /readyz. */
  readonly readyMs: number
}

/** @throws {Error} with the end of the server's log when it does not become ready. */
export async function startLedgate(options: StartOptions): Promise<Ledgate> {
  await mkdir(options.folder, { recursive: true })
  const port = await freePort()
  const environment = await environmentOf(options, port)
  const log = openSync(join(options.folder, 'server.log'), 'a')
  const started = performance.now()
  const child = spawn(process.execPath, ['--conditions=@ledgate/source', options.entry], {
    env: { ...inherited(), ...environment },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const abandon = (): void => void child.kill('SIGKILL')
  process.once('exit', abandon)
  child.once('exit', () => process.off('exit', abandon))
  await Promise.race([untilReady(child, port, options), neverStarted(child)])
  return { pid: child.pid ?? 0, port, readyMs: performance.now() - started, [Symbol.asyncDispose]: () => stop(child) }
}

/** Settings of the shell the bench was started from must not change what is measured. */
const inherited = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LEDGATE_')))

async function environmentOf(
  { folder, bootstrap, compileCache, environment: differing }: StartOptions,
  port: number,
): Promise<Record<string, string>> {
  const environment = {
    LEDGATE_HOST: '127.0.0.1',
    LEDGATE_PORT: String(port),
    LEDGATE_ISSUER: `http://127.0.0.1:${port}`,
    LEDGATE_DATA_DIR: join(folder, 'data'),
    LEDGATE_RATE_LIMITS: 'off',
    ...(compileCache !== undefined && { NODE_COMPILE_CACHE: compileCache }),
    ...differing,
  }
  if (bootstrap === undefined) return environment
  const file = join(folder, 'bootstrap.json')
  await writeFile(file, JSON.stringify(bootstrapFile(bootstrap)))
  return { ...environment, LEDGATE_BOOTSTRAP: file }
}

const neverStarted = (child: ChildProcess): Promise<never> => new Promise((_, reject) => child.once('error', reject))

async function untilReady(child: ChildProcess, port: number, options: StartOptions): Promise<void> {
  const deadline = performance.now() + (options.readyWithinMs ?? 120_000)
  while (performance.now() < deadline && child.exitCode === null) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.status === 200) return
    await sleep(5)
  }
  child.kill('SIGKILL')
  const log = await readFile(join(options.folder, 'server.log'), 'utf8')
  throw new Error(`the server did not become ready\n${log.slice(-3000)}`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const tooLate = setTimeout(() => child.kill('SIGKILL'), 30_000)
  await exit
  clearTimeout(tooLate)
}
