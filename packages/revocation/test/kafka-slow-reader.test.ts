import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { ensureTopic, kafkaPublisher } from '../src/kafka/index.ts'
import { FETCH_BYTES, readTopic } from '../src/kafka/topic-reader.ts'
import { type Broker, brokerIsAvailable, openBroker } from '../src/testing/index.ts'
import { notices, until } from './kafka-reader.ts'

const HOUR = 3_600_000
/** The shortest that brokers allow. */
const SESSION_MS = 6_000
const MESSAGES = rounds({ quick: 30_000, long: 50_000 })
const MESSAGE_BYTES = 1_000
/** What is fetched at once, several times over: as it came, unpacked, and as messages. Much less than all that comes. */
const BOUND_BYTES = 5 * FETCH_BYTES

setFlagsFromString('--expose_gc')
const collectGarbage: () => void = runInNewContext('gc')

function bytesInUse(): number {
  collectGarbage()
  collectGarbage() // buffers go with the objects that held them, once those are gone
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe.skipIf(!brokerIsAvailable())('a reader that is slow', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await openBroker()
  })
  afterAll(() => broker.close())

  it('stays in its group and holds little in memory, however much comes, and gets all of it', async () => {
    const options = { brokers: broker.brokers, topic: `revocations-${randomUUID()}`, groupPrefix: 'slow' }
    await ensureTopic({ ...options, retentionMs: HOUR })
    const publisher = kafkaPublisher(options)
    await publisher.send(notices('first'))
    const reading = readTopic({ ...options, sessionMs: SESSION_MS }, undefined)
    const read: string[] = []
    const take = async () => {
      for (const { jws } of (await reading.take()) ?? []) read.push(jws.slice(0, 8))
    }
    await take()

    const before = bytesInUse()
    for (let sent = 0; sent < MESSAGES; sent += 1_000)
      await publisher.send(
        notices(
          ...Array.from({ length: 1_000 }, (_, nth) => `${sent + nth}`.padStart(8, '0').padEnd(MESSAGE_BYTES, 'x')),
        ),
      )
    await take()
    await pause(1.5 * SESSION_MS)
    // What was sent is given back by and by; what a reader held on to would stay.
    await until(() => bytesInUse() - before < BOUND_BYTES)

    while (read.length <= MESSAGES) await take()
    expect(read).toEqual(['first', ...Array.from({ length: MESSAGES }, (_, nth) => `${nth}`.padStart(8, '0'))])
    reading.end()
    await reading.close()
    await publisher.close()
  })
})
