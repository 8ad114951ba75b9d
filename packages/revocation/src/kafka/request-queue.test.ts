import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { patchRequestQueue } from './request-queue.ts'

/** What kafkajs 2.2.4 keeps requests in: none of its types. */
const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js')

const nothing = () => undefined
const logger = { debug: nothing, warn: nothing }

/** A queue of which one request may be on its way, and those that went out. */
function mendedQueue() {
  patchRequestQueue()
  const sent: number[] = []
  const queue = new RequestQueue({
    maxInFlightRequests: 1,
    requestTimeout: 60_000,
    clientId: 'test',
    broker: 'none:0',
    logger,
  })
  const push = (correlationId: number) => {
    const entry = { correlationId, resolve: nothing, reject: nothing }
    queue.push({ entry, expectResponse: true, sendRequest: () => sent.push(correlationId) })
  }
  const answer = (correlationId: number) => queue.fulfillRequest({ correlationId, payload: Buffer.alloc(0), size: 0 })
  return { queue, sent, push, answer }
}

describe('requests to Kafka', () => {
  it('go out in their order, each when the one before is answered', () => {
    const { sent, push, answer } = mendedQueue()
    for (const nth of [1, 2, 3]) push(nth)
    expect(sent).toEqual([1])
    answer(1)
    expect(sent).toEqual([1, 2])
    answer(2)
    expect(sent).toEqual([1, 2, 3])
  })

  it('that a broker asked to hold back go out by themselves when its time is over', async () => {
    const { queue, sent, push, answer } = mendedQueue()
    push(1)
    queue.maybeThrottle(50)
    push(2)
    answer(1)
    expect(sent).toEqual([1])
    while (sent.length < 2) await pause(5)
    push(3)
    answer(2)
    expect(sent).toEqual([1, 2, 3])
  })

  it('that time out let the next one out', () => {
    const { queue, sent, push } = mendedQueue()
    push(1)
    push(2)
    queue.inflight.get(1).timeoutRequest()
    expect(sent).toEqual([1, 2])
  })
})

describe('a warning of Node about timers in the past', () => {
  /** What a process says that gets one answer from Kafka. */
  async function saidBy(mending: string): Promise<string> {
    const script = `
      import { createRequire } from 'node:module'
      ${mending}
      const require = createRequire(${JSON.stringify(import.meta.url)})
      const RequestQueue = require('kafkajs/src/network/requestQueue/index.js')
      const logger = { debug() {}, warn() {} }
      new RequestQueue({ clientId: 'test', broker: 'none:0', logger }).checkPendingRequests()
      // As it comes, it sets one timer after another for ever.
      setTimeout(() => process.exit(), 100)`
    const args = ['--conditions=@ledgate/source', '--input-type=module', '--eval', script]
    return (await promisify(execFile)(process.execPath, args)).stderr
  }
  const mended = join(import.meta.dirname, 'request-queue.ts')

  it('is not caused', async () => {
    const mending = `import { patchRequestQueue } from ${JSON.stringify(mended)}\npatchRequestQueue()`
    expect(await saidBy(mending)).toBe('')
  })

  it('control: is, by kafkajs as it comes', async () => {
    expect(await saidBy('')).toContain('TimeoutNegativeWarning')
  })
})
