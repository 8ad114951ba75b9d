import { describe, expect, it } from 'vitest'
import {
  appendIdempotently,
  inMemoryEventStore,
  Unavailable,
  UnknownOutcome,
  withDeadline,
  type EventStore,
} from './index.ts'

const event = { id: '6e1c9b0e-5d0f-5c2a-b1f7-a3d84e25c769', type: 'Happened', data: {}, metadata: {} }
const never = () => new Promise<never>(() => {})

const hanging = (hangs: Partial<EventStore>): EventStore => ({ ...inMemoryEventStore(), ...hangs })

describe('a store with a deadline', () => {
  it('returns the results and errors of the underlying store', async () => {
    const store = withDeadline(inMemoryEventStore(), 1000)
    await expect(store.append('a-1', [event], { expected: 'noStream' })).resolves.toMatchObject({ revision: 0n })
    await expect(store.read('a-2')).rejects.toMatchObject({ code: 'ERR_STREAM_NOT_FOUND' })
  })

  it('reports an unknown outcome when an append hangs', async () => {
    const store = withDeadline(hanging({ append: never }), 5)
    await expect(store.append('a-1', [event], { expected: 'any' })).rejects.toBeInstanceOf(UnknownOutcome)
  })

  it('is unavailable when a read hangs', async () => {
    const store = withDeadline(hanging({ read: never, head: never }), 5)
    await expect(store.read('a-1')).rejects.toBeInstanceOf(Unavailable)
    await expect(store.head()).rejects.toBeInstanceOf(Unavailable)
  })

  it('accepts the repetition of an append that was late but written', async () => {
    const memory = inMemoryEventStore()
    let calls = 0
    const slowOnce: EventStore = {
      ...memory,
      append: async (stream, events, options) => {
        const result = await memory.append(stream, events, options)
        if (++calls === 1) await never()
        return result
      },
    }
    await expect(
      appendIdempotently(withDeadline(slowOnce, 5), 'a-1', [event], { expected: 'noStream' }),
    ).resolves.toMatchObject({ revision: 0n })
    expect(await memory.read('a-1')).toHaveLength(1)
  })
})
