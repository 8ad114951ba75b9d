/** A server that speaks EventStoreDB's protocol and can misbehave. */
export * from './faults.ts'
export type { Limits } from './limits.ts'
export {
  openProtocolCluster,
  type ProtocolCluster,
  type ProtocolClusterOptions,
  type ProtocolLog,
} from './protocol-server.ts'
export type { ProtocolNode } from './protocol-node.ts'
export { spawnProtocolServer, type SpawnedProtocolServer } from './spawn.ts'
export type { StoredEvent } from './stored-event.ts'
export { seeded, trouble, type Trouble, type TroubleOptions } from './trouble.ts'
