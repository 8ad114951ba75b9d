/** Keeps the read models of a log until it is killed. Arguments: the log, the views, events in one transaction. */
import { openSqliteEventReader } from '@ledgate/eventstore-sqlite'
import { openProjector } from '@ledgate/projection-sqlite'
import { decode } from '../../src/catalogue/index.ts'
import { projections } from '../../src/views/index.ts'

const [logFile = '', viewsFile = '', batch = '1'] = process.argv.slice(2)
const reader = await openSqliteEventReader({ file: logFile, pollMs: 2 })
await openProjector({ file: viewsFile, reader, projections, decode, batch: Number(batch) })
process.send?.('projecting')
