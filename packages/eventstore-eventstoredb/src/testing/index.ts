/** A server that speaks EventStoreDB's protocol and can misbehave. */
export * from './faults.ts'
export {
  openProtocolCluster,
  type ProtocolCluster,
  type ProtocolClusterOptions,
  type ProtocolNode,
} from './protocol-server.ts'
export { spawnProtocolServer, type SpawnedProtocolServer } from './spawn.ts'
