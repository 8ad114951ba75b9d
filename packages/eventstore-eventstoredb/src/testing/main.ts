/**
 * The protocol server as a process of its own, until it is killed:
 * `node --conditions=@ledgate/source packages/eventstore-eventstoredb/src/testing/main.ts [--port=<n>] [--blind]`.
 * Prints its URL. With `--blind` it does not look at expected revisions, so that tests can show that they would notice.
 */
import { parseArgs } from 'node:util'
import { openProtocolCluster } from './protocol-server.ts'

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, blind: { type: 'boolean' } } })
const { url } = await openProtocolCluster({ port: Number(values.port), judges: values.blind !== true })
process.stdout.write(`${url}\n`)
