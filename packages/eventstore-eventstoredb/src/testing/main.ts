/**
 * The protocol server as a process of its own, until it is killed:
 * `node --conditions=@ledgate/source packages/eventstore-eventstoredb/src/testing/main.ts [--port=<n>] [--nodes=<n>] [--commit-ms=<n>] [--version=<v>] [--blind]`.
 * Prints its URL. With `--blind` it does not look at expected revisions, so that tests can show that they would notice.
 */
import { parseArgs } from 'node:util'
import { openProtocolCluster } from './protocol-server.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    nodes: { type: 'string', default: '1' },
    'commit-ms': { type: 'string', default: '0' },
    version: { type: 'string', default: '24.2.0' },
    blind: { type: 'boolean' },
  },
})
const { url } = await openProtocolCluster({
  port: Number(values.port),
  nodes: Number(values.nodes),
  commitMs: Number(values['commit-ms']),
  version: values.version,
  judges: values.blind !== true,
})
process.stdout.write(`${url}\n`)
