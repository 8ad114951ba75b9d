import { setTimeout as pause } from 'node:timers/promises'
import { type Installation, run, type SpawnOptions } from './server.ts'

/** A process of the demo's orders API, beside the server of an installation. */
export interface Demo {
  /** Everything it wrote, to both outputs. */
  output(): string
  /** When it has written this. @returns what it matched. @throws {Error} after half a minute. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Where it listens, once it is ready. */
  url(): Promise<string>
  kill(signal: NodeJS.Signals): void
  /** Resolves with the exit code, or with the signal that ended it. */
  readonly ended: Promise<number | string>
}

/** Starts the demo and does not wait. */
export function spawnDemo({ url }: Installation, { environment = {} }: SpawnOptions = {}): Demo {
  const { child, ended, output } = run('demo/src/api/main.ts', [], {
    environment: { DEMO_PORT: '0', LEDGATE_ISSUER: url, ...environment },
  })

  async function says(pattern: RegExp): Promise<RegExpExecArray> {
    for (const until = Date.now() + 30_000; Date.now() < until; await pause(20)) {
      const found = pattern.exec(output())
      if (found !== null) return found
    }
    throw new Error(`the demo did not say ${pattern}: ${output()}`)
  }

  return {
    ended,
    output,
    says,
    url: async () => (await says(/listens at (\S+)/))[1] ?? '',
    kill: (signal) => void child.kill(signal),
  }
}
