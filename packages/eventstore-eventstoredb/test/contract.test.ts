import { eventStoreContract } from '@ledgate/eventsourcing/testing'
import { rounds } from '../../../rounds.ts'
import { openEventStoreDBEventStore, type EventStoreDBEventStore } from '../src/index.ts'
import { openProtocolCluster } from '../src/testing/index.ts'

eventStoreContract(
  'the EventStoreDB event store, through the real client',
  async () => {
    const cluster = await openProtocolCluster()
    const opened: EventStoreDBEventStore[] = []
    return {
      async connect() {
        // Not what the contract is about: how long one try of an append may take on a busy machine.
        const store = openEventStoreDBEventStore({ url: cluster.url, attemptMs: 20_000 })
        opened.push(store)
        return store
      },
      async dispose() {
        await Promise.all(opened.map((store) => store.close()))
        cluster.close()
      },
    }
  },
  { durable: true, manyWriters: true, startsEmpty: true, rounds: rounds({ quick: 6, long: 20 }) },
)
