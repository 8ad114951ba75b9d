/**
 * The embedded event store with a fixed number of appends under way: each opens a stream of its own with one event and
 * is answered when it is durable, so what is committed together is up to the store. Argument: the folder.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { openSqliteEventStore } from '@ledgate/eventstore-sqlite'
import { DATA, METADATA } from './payload.ts'
import { keepAppending, writeForParent } from './writing.ts'

const store = await openSqliteEventStore({ file: join(process.argv[2] ?? '', 'log.db') })

writeForParent((order) =>
  keepAppending(order, async () => {
    const event = { id: randomUUID(), type: 'TokenIssued', data: DATA, metadata: METADATA }
    await store.append(`bench-${randomUUID()}`, [event], { expected: 'noStream' })
  }),
)
