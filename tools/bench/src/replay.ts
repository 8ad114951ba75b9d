import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export interface Replay {
  readonly what: 'decode' | 'rebuild'
  /** The data folder of a server that was stopped. */
  readonly data: string
  /** Where the views are built. */
  readonly scratch: string
}

export interface Replayed {
  readonly events: number
  readonly elapsedMs: number
}

const ENTRY = fileURLToPath(new URL('../../../apps/auth/src/compose/replay.ts', import.meta.url))

/** Reads a log again with the server's own code, in a process of its own; only the work itself is timed. */
export async function replayLog({ what, data, scratch }: Replay): Promise<Replayed> {
  const args = ['--conditions=@ledgate/source', ENTRY, what, join(data, 'events.db'), scratch]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const said: unknown = JSON.parse(stdout)
  if (!isReplayed(said)) throw new Error(`the replay did not say what it did: ${stdout.slice(0, 200)}`)
  return said
}

const isReplayed = (said: unknown): said is Replayed =>
  typeof said === 'object' && said !== null && 'events' in said && 'elapsedMs' in said
