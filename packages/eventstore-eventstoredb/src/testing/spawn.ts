import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A protocol server in a process of its own. */
export interface SpawnedProtocolServer {
  /** What `LEDGATE_EVENTSTOREDB_URL` takes. */
  readonly url: string
  readonly pid: number
  /** Kills it: what it kept is gone. */
  stop(): Promise<void>
}

/** Starts `main.ts` beside this file. @throws {Error} when it ends before it says its URL. */
export async function spawnProtocolServer(args: readonly string[] = []): Promise<SpawnedProtocolServer> {
  const command = ['--conditions=@ledgate/source', join(import.meta.dirname, 'main.ts'), ...args]
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const abandon = () => void child.kill('SIGKILL')
  process.once('exit', abandon)
  for await (const url of createInterface(child.stdout))
    return {
      url,
      pid: child.pid ?? 0,
      async stop() {
        abandon()
        await ended
        process.off('exit', abandon)
      },
    }
  throw new Error('the protocol server did not start')
}
