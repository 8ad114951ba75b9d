import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { services } from './requests.ts'
import { makeBootstrap, type Bootstrap } from './bootstrap.ts'
import { startLedgate } from './start.ts'

/** A stopped server's folder whose log is long: real TokenIssued events, each answered to a real client. */
export interface LongLog {
  readonly folder: string
  /** Where the server keeps its data in it. */
  readonly data: string
  readonly bootstrap: Bootstrap
  /** How many tokens were issued; the log holds a few events more. */
  readonly tokens: number
}

const made = new WeakMap<Bench, Promise<LongLog>>()

/** Made once in a run, by loading the real server through HTTP, and left as the server left it. */
export function longLog(bench: Bench): Promise<LongLog> {
  const log = made.get(bench) ?? makeLongLog(bench)
  made.set(bench, log)
  return log
}

const LONGEST_MS = 600_000

async function makeLongLog({ options, generator, newFolder }: Bench): Promise<LongLog> {
  const bootstrap = makeBootstrap(1)
  const folder = await newFolder('long-log')
  await using server = await startLedgate({ entry: options.server, folder, bootstrap })
  const { port } = server
  const workload = services(port, bootstrap)
  const time = { warmupMs: 0, durationMs: LONGEST_MS, limit: options.events }
  const { completed: tokens } = await generator.run({ port, connections: 64, workload, ...time })
  return { folder, data: join(folder, 'data'), bootstrap, tokens }
}
