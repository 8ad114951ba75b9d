import { randomUUID } from 'node:crypto'
import { inMemoryEventStore, type Position } from '@ledgate/eventsourcing'
import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { installErrorHandler } from '../../http/index.ts'
import { minPosition } from './min-position.ts'

const event = () => ({ id: randomUUID(), type: 'MailSent', data: {}, metadata: {} })

/** A server over a log of one event whose views are as far as the test says; each wait is written down. */
async function server(reaches: (ms: number) => boolean) {
  const store = inMemoryEventStore()
  const { position } = await store.append('a-1', [event()], { expected: 'noStream' })
  const waits: number[] = []
  const waitFor = async (_position: Position, ms: number) => {
    waits.push(ms)
    return reaches(ms)
  }
  const reached = minPosition({ log: { store }, views: { waitFor }, withinMs: 7 })
  const app = Fastify()
  installErrorHandler(app)
  app.get<{ Querystring: { min_position: string } }>('/', async ({ query }) => {
    await reached(query.min_position)
    return {}
  })
  const ask = async (text: string) => {
    const answer = await app.inject({ url: '/', query: { min_position: text } })
    return [answer.statusCode, answer.json().error, answer.headers['retry-after'] !== undefined]
  }
  return { ask, position, waits }
}

describe('min_position', () => {
  it('that the views have not reached after the wait is 503, to be asked again', async () => {
    const { ask, position, waits } = await server(() => false)
    expect(await ask(position)).toEqual([503, 'temporarily_unavailable', true])
    expect(waits).toEqual([0, 7])
  })

  it('that they reach meanwhile is answered, and one that they have reached at once', async () => {
    const later = await server((ms) => ms > 0)
    expect(await later.ask(later.position)).toEqual([200, undefined, false])
    const { ask, position, waits } = await server(() => true)
    expect(await ask(position)).toEqual([200, undefined, false])
    expect(waits).toEqual([0])
  })

  it('beyond the end of the log, or of none, is 400 and waits for nothing', async () => {
    const { ask, waits } = await server(() => false)
    const longer = inMemoryEventStore()
    for (const stream of ['a-1', 'a-2']) await longer.append(stream, [event()], { expected: 'any' })
    expect(await ask(await longer.head())).toEqual([400, 'invalid_request', false])
    expect(await ask('x')).toEqual([400, 'invalid_request', false])
    expect(waits).toEqual([0])
  })
})
