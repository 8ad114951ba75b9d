import type { EventStore } from '../../event-store.ts'
import { inMemoryEventStore } from '../../in-memory-event-store.ts'
import { type Position, START } from '../../position.ts'
import { eventStoreContract } from './contract.ts'
import { sampleEvents, sampleStream } from './sample.ts'

/** Fails who asks for what was there before: on a server that keeps its log that takes longer with each run. */
function guarded(store: EventStore, mark: Position): EventStore {
  const assertLater = (after: Position | undefined): void => {
    if (after === undefined || after === START) throw new Error('a test reads what earlier runs wrote')
  }
  return {
    ...store,
    async *readAll(options = {}) {
      if (options.direction !== 'backwards') assertLater(options.after)
      let before = 0
      for await (const event of store.readAll(options)) {
        before += event.position <= mark ? 1 : 0
        if (before > 1) assertLater(START) // the first tells that the mark was passed
        yield event
      }
    },
    async *subscribe(options = {}) {
      assertLater(options.after)
      yield* store.subscribe(options)
    },
  }
}

eventStoreContract(
  'a log that earlier runs wrote to, of which no rule reads more than what came since,',
  async () => {
    const store = inMemoryEventStore()
    for (let count = 0; count < 5; count += 1)
      await store.append(sampleStream(), sampleEvents(10), { expected: 'noStream' })
    const kept = guarded(store, await store.head())
    return { connect: async () => kept, dispose: () => store.close() }
  },
  { durable: false, rounds: 5 },
)
