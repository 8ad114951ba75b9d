import { randomUUID } from 'node:crypto'
import { type EventStore, inMemoryEventStore } from '@ledgate/eventsourcing'
import type { KeyVault } from '@ledgate/vault'
import { inMemorySealer, inMemoryVault } from '@ledgate/vault/testing'
import { openClients } from '../client/index.ts'
import { type Actor, type CommandContext, openEventLog, keyedHash } from '../log/index.ts'
import { openNames } from '../name/index.ts'
import { openResources } from '../resource/index.ts'
import { catalogue } from '../catalogue/index.ts'

/** The first second of the time that tests live in. */
export const EPOCH = 1_790_000_000

/** A clock that a test moves. */
export function createHandClock(start = EPOCH) {
  let nowMs = start * 1000
  return {
    now: () => Math.floor(nowMs / 1000),
    nowMs: () => nowMs,
    advance(seconds: number) {
      nowMs += seconds * 1000
    },
  }
}

/** A new command of a user. */
export function command(actor: Actor = { type: 'operator', id: 'tester' }): CommandContext {
  const id = randomUUID()
  return { commandId: id, correlationId: id, causationId: id, actor }
}

/** What the processes of one installation have in common beside the store. */
export interface Shared {
  readonly clock: ReturnType<typeof createHandClock>
  readonly vault: KeyVault
}

/** Clients and resource servers over a store in memory, or over the one that is given. */
export function openParts(given?: EventStore, shared?: Shared) {
  const { clock, vault } = shared ?? { clock: createHandClock(), vault: inMemoryVault() }
  const store = given ?? inMemoryEventStore({ clock: clock.nowMs })
  const sealer = inMemorySealer(vault)
  const log = openEventLog({ store, sealer, catalogue })
  const hash = keyedHash(Buffer.alloc(32, 7))
  const taken = openNames(log, hash)
  return {
    store,
    clock,
    vault,
    sealer,
    log,
    keyedHash: hash,
    names: taken,
    clients: openClients({ log, names: taken, clock }),
    resources: openResources({ log, names: taken, clock, keyedHash: hash, issuer: 'http://127.0.0.1:4040' }),
  }
}

/** Every event of a store as text: what a thief of the log can read. */
export async function everythingIn(store: EventStore): Promise<string> {
  const lines: string[] = []
  for await (const event of store.readAll())
    lines.push(JSON.stringify(event, (_key, value) => (typeof value === 'bigint' ? `${value}` : value)))
  return lines.join('\n')
}
