import { eventStoreContract } from '@ledgate/eventsourcing/testing'
import { test } from 'vitest'
import { openEventStoreDBEventStore, type EventStoreDBEventStore } from '../src/index.ts'

const url = process.env['EVENTSTOREDB_URL']

if (url === undefined) test.skip('needs a real EventStoreDB: EVENTSTOREDB_URL=esdb://… npm run test:eventstoredb')
else
  eventStoreContract(
    'the EventStoreDB event store, with a real server',
    async () => {
      const opened: EventStoreDBEventStore[] = []
      return {
        async connect() {
          const store = openEventStoreDBEventStore({ url })
          opened.push(store)
          return store
        },
        dispose: async () => void (await Promise.all(opened.map((store) => store.close()))),
      }
    },
    { durable: true, manyWriters: true, rounds: 5 },
  )
