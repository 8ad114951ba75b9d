import { expect, test } from 'vitest'
import { inMemoryEventStore } from './in-memory-event-store.ts'
import { eventStoreContract, fakeClock, sampleEvent } from './testing/index.ts'

eventStoreContract(
  'the in-memory event store',
  async () => {
    const store = inMemoryEventStore()
    return { connect: async () => store, dispose: () => store.close() }
  },
  { durable: false, startsEmpty: true, rounds: 60 },
)

test('an event carries the time of the clock of its store', async () => {
  const clock = fakeClock(1_700_000_000_123)
  const store = inMemoryEventStore({ clock })
  await store.append('a-1', [sampleEvent()], { expected: 'noStream' })
  clock.advance(5)
  await store.append('a-1', [sampleEvent()], { expected: 'any' })
  expect((await store.read('a-1')).map(({ created }) => created)).toEqual([1_700_000_000_123, 1_700_000_000_128])
})
