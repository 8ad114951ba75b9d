import { rmSync } from 'node:fs'
import { mkdtemp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startGenerator, type Generator } from './load/generator.ts'
import type { Workload } from './load/job.ts'
import { makeBootstrap, type Bootstrap } from './ledgate/bootstrap.ts'
import { startLedgate, type Ledgate } from './ledgate/start.ts'
import { scratchRoot, type Options } from './options.ts'
import type { Subject } from './interleave.ts'

/** What every scenario is given. Disposing of it deletes everything the run wrote but the JSON. */
export interface Bench extends AsyncDisposable {
  readonly options: Options
  readonly generator: Generator
  /** A fresh folder on the disk the repository is on. */
  newFolder(name: string): Promise<string>
  /** A fresh server with the users and clients of a bootstrap file. */
  start(bootstrap: Bootstrap, environment?: Readonly<Record<string, string>>): Promise<Ledgate>
  /** The same of the version beside (`--beside`). @throws {Error} when there is none. */
  startOther(bootstrap: Bootstrap, environment?: Readonly<Record<string, string>>): Promise<Ledgate>
}

export async function openBench(options: Options): Promise<Bench> {
  await mkdir(scratchRoot, { recursive: true })
  const scratch = await mkdtemp(join(scratchRoot, 'run-'))
  process.once('exit', () => rmSync(scratch, { recursive: true, force: true }))
  const generator = await startGenerator()
  const newFolder = (name: string): Promise<string> => mkdtemp(join(scratch, `${name}-`))
  const startAt = async (entry: string, bootstrap: Bootstrap, environment = {}): Promise<Ledgate> =>
    startLedgate({ entry, folder: await newFolder('server'), bootstrap, environment })
  return {
    options,
    generator,
    newFolder,
    start: (bootstrap, environment) => startAt(options.server, bootstrap, environment),
    async startOther(bootstrap, environment) {
      if (options.beside === undefined) throw new Error('--beside says no version')
      return startAt(options.beside, bootstrap, environment)
    },
    async [Symbol.asyncDispose]() {
      await generator[Symbol.asyncDispose]()
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

/** Enough users for every connection to sign in as somebody else. */
export const PEOPLE = 64
export const IN_FLIGHT = [1, 16, 64] as const
export const FULL_LOAD = 64

export const benchBootstrap = (): Bootstrap => makeBootstrap(PEOPLE)

/** A server under one slice of the given load. */
export function underLoad({ options, generator }: Bench, { name, pid, port, workload, connections }: Loaded): Subject {
  const { warmupMs, sliceMs: durationMs } = options
  return { name, pid, run: () => generator.run({ port, connections, warmupMs, durationMs, workload }) }
}

interface Loaded {
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly workload: Workload
  readonly connections: number
}
