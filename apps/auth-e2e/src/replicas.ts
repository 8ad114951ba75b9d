import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openEventStoreDBEventStore } from '@ledgate/eventstore-eventstoredb'
import type { RecordedEvent } from '@ledgate/eventsourcing'
import { onTestFinished } from 'vitest'
import { type Installation, newInstallation } from './server.ts'

const PROTOCOL_SERVER = join(import.meta.dirname, '../../../packages/eventstore-eventstoredb/src/testing/main.ts')

/** One issuer for all: nobody asks it, and every replica speaks for it. */
const ISSUER = 'https://id.example'

/** Data folders and ports of processes that share one store. */
export interface Replicas {
  readonly all: readonly Installation[]
  readonly url: string
  /** Every event of the store, in order. */
  events(): Promise<readonly RecordedEvent[]>
}

/** A server that speaks EventStoreDB's protocol, in a process of its own; it goes with the test. */
export async function startProtocolServer(): Promise<string> {
  const child = spawn(process.execPath, ['--conditions=@ledgate/source', PROTOCOL_SERVER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  })
  for await (const line of createInterface(child.stdout)) return line
  throw new Error('the protocol server did not start')
}

/** So many processes-to-be on one store: a new one, or the real one named by `EVENTSTOREDB_URL`, which has to be empty. */
export async function newReplicas(count: number, bootstrap?: object): Promise<Replicas> {
  const url = process.env['EVENTSTOREDB_URL'] ?? (await startProtocolServer())
  const shared = {
    LEDGATE_EVENTSTOREDB_URL: url,
    LEDGATE_MASTER_KEY: randomBytes(32).toString('base64url'),
    LEDGATE_ISSUER: ISSUER,
  }
  const all: Installation[] = []
  for (let index = 0; index < count; index += 1) {
    const installation = await newInstallation(bootstrap)
    all.push({ ...installation, environment: { ...installation.environment, ...shared } })
  }
  return {
    all,
    url,
    async events() {
      const store = openEventStoreDBEventStore({ url })
      try {
        return await Array.fromAsync(store.readAll())
      } finally {
        await store.close()
      }
    },
  }
}
