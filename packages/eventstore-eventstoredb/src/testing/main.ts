/**
 * The protocol server as a process of its own, until it is told to stop:
 * `node --conditions=@ledgate/source packages/eventstore-eventstoredb/src/testing/main.ts [<port>]`. Prints its URL.
 */
import { openProtocolCluster } from './protocol-server.ts'

const cluster = await openProtocolCluster({ port: Number(process.argv[2] ?? 0) })
process.stdout.write(`${cluster.url}\n`)
process.once('SIGTERM', () => cluster.close())
