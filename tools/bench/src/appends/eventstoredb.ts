/**
 * The event store on EventStoreDB with a fixed number of appends under way, as `store.ts` does it with the embedded one.
 * Argument: the URL.
 */
import { randomUUID } from 'node:crypto'
import { openEventStoreDBEventStore } from '@ledgate/eventstore-eventstoredb'
import { DATA, METADATA } from './payload.ts'
import { keepAppending, writeForParent } from './writing.ts'

const store = openEventStoreDBEventStore({ url: process.argv[2] ?? '' })

writeForParent((order) =>
  keepAppending(order, async () => {
    const event = { id: randomUUID(), type: 'TokenIssued', data: DATA, metadata: METADATA }
    await store.append(`bench-${randomUUID()}`, [event], { expected: 'noStream' })
  }),
)
