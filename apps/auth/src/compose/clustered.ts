import { join } from 'node:path'
import {
  assertSupportedServers,
  openEventStoreDBEventStore,
  openEventStoreDBLease,
  openEventStoreDBVault,
} from '@ledgate/eventstore-eventstoredb'
import { lockForWriting } from '@ledgate/eventstore-sqlite'
import type { KeyVault } from '@ledgate/vault'
import type { Config } from '../config.ts'
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

/** Events and keys in EventStoreDB, which any number of processes share; the data folder is each one's own. */
export async function openClustered(config: Config, url: string): Promise<Storage> {
  const lock = lockForWriting(join(config.dataDir, 'replica'))
  try {
    await assertSupportedServers({ url, attemptMs: ATTEMPT_MS })
    const vault = await openEventStoreDBVault({ url, ...wrappingKeys(config), attemptMs: ATTEMPT_MS })
    try {
      await assertOwn(vault, config.issuer)
    } catch (error) {
      await vault.close()
      throw error
    }
    const store = openEventStoreDBEventStore({ url, attemptMs: ATTEMPT_MS })
    return {
      store,
      vault,
      pendingErasures: vault.pendingErasures,
      finishErasures: vault.finishErasures,
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
