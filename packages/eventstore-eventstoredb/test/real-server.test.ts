import { eventStoreContract } from '@ledgate/eventsourcing/testing'
import { sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { expect, onTestFinished, test } from 'vitest'
import { openEventStoreDBEventStore, type EventStoreDBEventStore } from '../src/index.ts'

const url = process.env['EVENTSTOREDB_URL']

if (url === undefined) test.skip('needs a real EventStoreDB: EVENTSTOREDB_URL=esdb://… npm run test:eventstoredb')
else {
  // The rules see what comes after their start, so that they take as long on a server that keeps what earlier runs wrote.
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

  test('the log of a real server can be read and followed from its start', async () => {
    const store = openEventStoreDBEventStore({ url })
    onTestFinished(() => store.close())
    await store.append(sampleStream(), sampleEvents(5), { expected: 'noStream' })
    const read: string[] = []
    for await (const { id } of store.readAll({ max: 5 })) read.push(id)
    const followed: string[] = []
    for await (const message of store.subscribe()) {
      if (message.kind === 'event') followed.push(message.event.id)
      if (followed.length === 5) break
    }
    expect([read.length, followed]).toEqual([5, read])
  })
}
