/** The event store on EventStoreDB or KurrentDB, with its official client. */
export {
  openEventStoreDBEventStore,
  type EventStoreDBEventStore,
  type EventStoreDBEventStoreOptions,
} from './eventstoredb-event-store.ts'
export { openEventStoreDBLease, type Lease, type LeaseOptions } from './lease.ts'
export { assertSupportedServers, LEAST_VERSION } from './server-version.ts'
export type { PendingErasure } from './pending-erasures.ts'
export { whenUsable, Unusable, type UsableOptions } from './usable.ts'
export { makeDatabaseUser, type MadeUser } from './database-user.ts'
export { CAUSES } from './cause.ts'
export { openEventStoreDBVault, type EventStoreDBVault, type EventStoreDBVaultOptions } from './vault.ts'
