import { join } from 'node:path'
import { type EventStore, type Position, withDeadline } from '@ledgate/eventsourcing'
import { openSqliteEventStore } from '@ledgate/eventstore-sqlite'
import type { KeyVault } from '@ledgate/vault'
import { openSqliteVault } from '@ledgate/vault/sqlite'
import type { Config } from '../config/index.ts'
import { prepareDataFolder } from './data-folder.ts'
import type { LogSource } from './log-source.ts'
import { wrappingKeys } from './master-keys.ts'

/** Milliseconds one call of the store may take: a disk that hangs must not hang every request with it. */
const STORE_DEADLINE_MS = 5_000
/** An event store that says how it is. */
export interface WatchedStore extends EventStore {
  health(): { readonly ok: true } | { readonly ok: false; readonly reason: string }
  counters(): {
    readonly appends: number
    readonly events: number
    readonly batches: number
    readonly queued: number
    readonly lastCommitMs: number
  }
}

/** The right to do what one process of an installation should do. */
export interface Lease {
  whileHeld(signal: AbortSignal, work: (held: AbortSignal) => Promise<void>): Promise<void>
  close(): Promise<void>
}

/** A key that was destroyed and is, or may be, in the files of nodes of a database. */
export interface PendingErasure {
  readonly name: string
  readonly nodes: readonly string[]
  /** Those of them that lag: they may get it yet. */
  readonly behind: readonly string[]
  /** Milliseconds since the epoch. */
  readonly destroyed: number
}

/** Where events and keys are kept. */
export interface Storage {
  readonly store: WatchedStore
  readonly vault: KeyVault
  /** What was erased and may still be in the files of the database until its next scavenge. */
  pendingErasures(): Promise<readonly PendingErasure[]>
  /** Comes to the end of erasures that were broken off. */
  finishErasures(): Promise<void>
  /** For the thread that reads the log by itself. */
  readonly source: LogSource
  /**
   * A place at the end of the log: nothing that was acknowledged before the call is after it, as a majority of the nodes
   * agreed, and every subscription comes to it soon, whatever its filter leaves out.
   */
  readBarrier(): Promise<Position>
  /** Who does what one process should do; an installation of one process always has it. */
  turn(onError: (error: unknown) => void): Lease
  close(): Promise<void>
}

/** Everything in files of the data folder, for one process. */
async function embedded(config: Config): Promise<Storage> {
  const file = join(config.dataDir, 'events.db')
  const store = await openSqliteEventStore({ file })
  try {
    const vault = await openSqliteVault({ file: join(config.dataDir, 'vault.db'), ...wrappingKeys(config) })
    return {
      store,
      vault,
      pendingErasures: async () => [],
      finishErasures: async () => {}, // a file is overwritten in one step
      source: { kind: 'sqlite', file },
      readBarrier: () => store.readBarrier(),
      turn: () => ({
        async whileHeld(signal, work) {
          while (!signal.aborted) await work(signal)
        },
        close: async () => {},
      }),
      async close() {
        await vault.close()
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/**
 * Opens the storage that the configuration asks for.
 *
 * @throws {Error} when another process has the data folder, or something in it cannot be written, when the master key
 *   does not fit, or the store cannot be used.
 * @param onWaiting called with the reason for waiting.
 */
export async function openStorage(config: Config, onWaiting: (why: string) => void): Promise<Storage> {
  prepareDataFolder(config.dataDir)
  const storage =
    config.eventStoreDBUrl === undefined
      ? await embedded(config)
      : // Most installations have no use for its client, which is most of what a start would load.
        await (await import('./clustered.ts')).openClustered(config, config.eventStoreDBUrl, onWaiting)
  return { ...storage, store: withDeadline(storage.store, STORE_DEADLINE_MS) }
}
