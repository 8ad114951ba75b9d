import { join } from 'node:path'
import {
  assertSupportedServers,
  type EventStoreDBEventStore,
  type EventStoreDBVault,
  openEventStoreDBEventStore,
  openEventStoreDBLease,
  openEventStoreDBVault,
  whenUsable,
} from '@ledgate/eventstore-eventstoredb'
import { lockForWriting } from '@ledgate/eventstore-sqlite'
import type { KeyVault } from '@ledgate/vault'
import type { Config } from '../config/index.ts'
import { wrappingKeys } from './master-keys.ts'
import type { Storage } from './storage.ts'

/** Milliseconds one try of a call may take over the network: three tries fit into the deadline. */
const ATTEMPT_MS = 1_500

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

/** Opens the vault of a server that can be read and written, and is this installation's own. */
async function openVault(url: string, config: Config, store: EventStoreDBEventStore): Promise<EventStoreDBVault> {
  await assertSupportedServers({ url, attemptMs: ATTEMPT_MS })
  const vault = await openEventStoreDBVault({ url, ...wrappingKeys(config), attemptMs: ATTEMPT_MS })
  try {
    await assertOwn(vault, config.issuer)
    await store.readBarrier() // what a first start writes, a later one only reads
    return vault
  } catch (error) {
    await vault.close()
    throw error
  }
}

/** Events and keys in EventStoreDB, which any number of processes share; the data folder is each one's own. */
export async function openClustered(config: Config, url: string, onWaiting: (why: string) => void): Promise<Storage> {
  const lock = lockForWriting(join(config.dataDir, 'replica'))
  const patienceMs = config.eventStoreDBWait * 1_000
  let store: EventStoreDBEventStore | undefined
  try {
    const opened = openEventStoreDBEventStore({ url, attemptMs: ATTEMPT_MS })
    store = opened
    const vault = await whenUsable({ url, attemptMs: ATTEMPT_MS, patienceMs, onWaiting }, () =>
      openVault(url, config, opened),
    )
    return {
      store: opened,
      vault,
      pendingErasures: vault.pendingErasures,
      finishErasures: vault.finishErasures,
      source: { kind: 'eventstoredb', url },
      readBarrier: () => opened.readBarrier(),
      turn: (onError) => openEventStoreDBLease({ url, name: 'background', onError }),
      async close() {
        await vault.close()
        await opened.close()
        lock.release()
      },
    }
  } catch (error) {
    await store?.close()
    lock.release()
    throw error
  }
}
