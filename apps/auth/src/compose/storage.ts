import { join } from 'node:path'
import { type EventStore, type Position, withDeadline } from '@ledgate/eventsourcing'
import {
  openEventStoreDBEventStore,
  openEventStoreDBLease,
  openEventStoreDBVault,
} from '@ledgate/eventstore-eventstoredb'
import { lockForWriting, openSqliteEventStore } from '@ledgate/eventstore-sqlite'
import { developmentMasterKey, type KeyVault, type MasterKeys, parseMasterKey } from '@ledgate/vault'
import { openSqliteVault } from '@ledgate/vault/sqlite'
import type { Config } from '../config.ts'
import { prepareDataFolder } from './data-folder.ts'
import type { LogSource } from './log-source.ts'

/** Milliseconds one call of the store may take: a disk that hangs must not hang every request with it. */
const STORE_DEADLINE_MS = 5_000
/** Milliseconds one try of a call may take over the network: three tries fit into the deadline. */
const ATTEMPT_MS = 1_500

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
export interface Turn {
  whileHeld(signal: AbortSignal, work: (held: AbortSignal) => Promise<void>): Promise<void>
  close(): Promise<void>
}

/** Where events and keys are kept. */
export interface Storage {
  readonly store: WatchedStore
  readonly vault: KeyVault
  /** What was erased and is still in the files of the database until its next scavenge. */
  pendingErasures(): Promise<
    readonly { readonly name: string; readonly nodes: readonly string[]; readonly destroyed: number }[]
  >
  /** For the thread that reads the log by itself. */
  readonly source: LogSource
  /**
   * A place at the end of the log: nothing that was acknowledged before the call is after it, as a majority of the nodes
   * agreed, and every subscription comes to it soon, whatever its filter leaves out.
   */
  pulse(): Promise<Position>
  /** Who does what one process should do; an installation of one process always has it. */
  turn(onError: (error: unknown) => void): Turn
  close(): Promise<void>
}

/** The master keys that are configured, or that of the development folder. */
export function masterKeysOf(dataDir: string, configured: readonly string[]): MasterKeys {
  const [newest, ...older] = configured.map(parseMasterKey)
  return newest === undefined ? [developmentMasterKey(dataDir)] : [newest, ...older]
}

/** For whoever opens a vault. */
export const wrappingKeys = ({ dataDir, masterKeys }: Config) => {
  const [masterKey, ...olderMasterKeys] = masterKeysOf(dataDir, masterKeys)
  return { masterKey, olderMasterKeys }
}

/** Everything in files of the data folder, for one process. */
async function embedded(config: Config): Promise<Storage> {
  const file = join(config.dataDir, 'events.db')
  const store = await openSqliteEventStore({ file })
  try {
    const vault = await openSqliteVault({ file: join(config.dataDir, 'vault.db'), ...wrappingKeys(config) })
    return {
      store: withDeadline(store, STORE_DEADLINE_MS),
      vault,
      pendingErasures: async () => [],
      source: { kind: 'sqlite', file },
      pulse: () => store.pulse(),
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

const INSTALLATION = 'installation/issuer'

/**
 * The first process to use a database writes down whose it is.
 *
 * @throws {Error} when it is another installation's.
 */
async function assertOwn(vault: KeyVault, issuer: string): Promise<void> {
  const owner = Buffer.from(await vault.putIfAbsent(INSTALLATION, Buffer.from(issuer))).toString()
  if (owner !== issuer)
    throw new Error(
      `LEDGATE_EVENTSTOREDB_URL leads to the store of another installation: its LEDGATE_ISSUER is ${owner}, here it is ${issuer}`,
    )
}

/** Events and keys in EventStoreDB, which any number of processes share; the data folder is each one's own. */
async function clustered(config: Config, url: string): Promise<Storage> {
  const lock = lockForWriting(join(config.dataDir, 'replica'))
  try {
    const vault = await openEventStoreDBVault({ url, ...wrappingKeys(config), attemptMs: ATTEMPT_MS })
    try {
      await assertOwn(vault, config.issuer)
    } catch (error) {
      await vault.close()
      throw error
    }
    const store = openEventStoreDBEventStore({ url, attemptMs: ATTEMPT_MS })
    return {
      store: withDeadline(store, STORE_DEADLINE_MS),
      vault,
      pendingErasures: vault.pendingErasures,
      source: { kind: 'eventstoredb', url },
      pulse: () => store.pulse(),
      turn: (onError) => openEventStoreDBLease({ url, name: 'background', onError }),
      async close() {
        await vault.close()
        await store.close()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/**
 * Opens the storage that the configuration asks for.
 *
 * @throws {Error} when another process has the data folder, or something in it cannot be written, when the master key
 *   does not fit, or the store cannot be used.
 */
export async function openStorage(config: Config): Promise<Storage> {
  prepareDataFolder(config.dataDir)
  return config.eventStoreDBUrl === undefined ? embedded(config) : clustered(config, config.eventStoreDBUrl)
}
