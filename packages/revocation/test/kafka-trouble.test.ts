import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ensureTopic,
  kafkaPublisher,
  kafkaRevocations,
  KafkaUnavailable,
  type KafkaOptions,
} from '../src/kafka/index.ts'
import { type Broker, brokerIsAvailable, openBroker } from '../src/testing/index.ts'
import { freePort } from './free-port.ts'
import { begunAgain, follow, notices, publishInTheEnd, until } from './kafka-reader.ts'

const HOUR = 3_600_000
/** Long enough for a busy machine, short enough for a test. */
const DEADLINE_MS = 4_000

describe.skipIf(!brokerIsAvailable())('Kafka in trouble', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await openBroker({ isOwn: true, isSecured: true })
  })
  afterAll(() => broker.close())

  const readyTopic = async () => {
    const options = { brokers: broker.brokers, topic: `revocations-${randomUUID()}`, deadlineMs: DEADLINE_MS }
    await ensureTopic({ ...options, deadlineMs: 30_000, retentionMs: HOUR })
    return options
  }

  it(
    'loses nothing that was acknowledged when the broker is killed, and tells both ends',
    { timeout: 300_000 },
    async () => {
      const options = await readyTopic()
      const publisher = kafkaPublisher(options)
      const acknowledged: string[] = []
      const reader = follow(kafkaRevocations(options))
      const sending = (async () => {
        for (let nth = 0; ; nth += 1) {
          await publisher.send(notices(`notice-${nth}`))
          acknowledged.push(`notice-${nth}`)
        }
      })()
      sending.catch(() => undefined)
      await until(() => acknowledged.length > 100 && reader.read.length > 100)
      await broker.kill()
      await expect(sending).rejects.toThrow(KafkaUnavailable)
      await expect(reader.over).rejects.toThrow(KafkaUnavailable)
      await publisher.close()

      await broker.restart()
      await publishInTheEnd({ ...options, deadlineMs: 30_000 }, notices('afterwards'))
      const rest = follow(begunAgain(kafkaRevocations({ ...options, deadlineMs: 30_000 })), reader.cursors.at(-1))
      await until(() => rest.read.at(-1) === 'afterwards')
      const all = [...reader.read, ...new Set(rest.read)]
      expect(all.slice(0, acknowledged.length)).toEqual(acknowledged)
      expect(all.length - acknowledged.length).toBeLessThanOrEqual(2)
      await rest.stop()
    },
  )

  it(
    'gives up in time on a broker that hangs, whether it sends, reads or is told to stop',
    { timeout: 300_000 },
    async () => {
      const options = await readyTopic()
      const publisher = kafkaPublisher(options)
      const told = follow(kafkaRevocations(options))
      const untold = follow(kafkaRevocations(options))
      await publisher.send(notices('a'))
      await until(() => told.read.length === 1 && untold.read.length === 1)
      broker.freeze()
      // A busy machine stops its threads a little later.
      await pause(300)
      try {
        const sending = publisher.send(notices('b'))
        const unanswered = expect(sending).rejects.toThrow(/did not answer/)
        await told.stop()
        await unanswered
        await expect(untold.over).rejects.toThrow(KafkaUnavailable)
        await publisher.close()
        const late = follow(kafkaRevocations(options), told.cursors[0])
        await Promise.all([
          expect(late.over).rejects.toThrow(KafkaUnavailable),
          expect(ensureTopic({ ...options, retentionMs: HOUR })).rejects.toThrow(KafkaUnavailable),
        ])
      } finally {
        broker.thaw()
      }
      await publishInTheEnd({ ...options, deadlineMs: 30_000 }, notices('c'))
      const rest = follow(begunAgain(kafkaRevocations({ ...options, deadlineMs: 30_000 })), told.cursors[0])
      await until(() => rest.read.includes('c'))
      // What was sent to the broker while it hung was refused to nobody and acknowledged to nobody.
      expect(new Set(rest.read.filter((said) => said !== 'b'))).toEqual(new Set(['c']))
      await rest.stop()
    },
  )

  it('reads on when a broker hung for a while, and nothing twice', async () => {
    const options = { ...(await readyTopic()), deadlineMs: 30_000 }
    const publisher = kafkaPublisher(options)
    const reader = follow(kafkaRevocations(options))
    await publisher.send(notices('a', 'b'))
    await until(() => reader.read.length === 2)
    broker.freeze()
    const sending = publisher.send(notices('c'))
    await pause(3_000)
    broker.thaw()
    await sending
    await publisher.send(notices('d'))
    await until(() => reader.read.length === 4)
    expect(reader.read).toEqual(['a', 'b', 'c', 'd'])
    await reader.stop()
    await publisher.close()
  })

  /** Whoever publishes, reads or looks at the topic gets through. */
  async function expectToWork(options: KafkaOptions): Promise<void> {
    const publisher = kafkaPublisher(options)
    await publisher.send(notices('a'))
    const reader = follow(kafkaRevocations(options))
    await until(() => reader.read.length === 1)
    await ensureTopic({ ...options, retentionMs: HOUR })
    await reader.stop()
    await publisher.close()
  }

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'speaks TLS, and says who it is by %s',
    async (mechanism) => {
      const { topic } = await readyTopic()
      const options = { ...(await securedOptions(mechanism)), topic }
      await expectToWork(options)
    },
  )

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'names the setting and no secret when %s is refused',
    async (mechanism) => {
      const right = await securedOptions(mechanism)
      const sasl = { mechanism, username: right.sasl?.username ?? '', password: 'a wrong secret' }
      const options = { ...right, sasl, topic: 'anything' }
      const publisher = kafkaPublisher(options)
      const failures = await Promise.all(
        [
          publisher.send(notices('a')),
          follow(kafkaRevocations(options)).over,
          ensureTopic({ ...options, retentionMs: HOUR }),
        ].map((attempt) =>
          attempt.then(
            () => undefined,
            (error: unknown) => error,
          ),
        ),
      )
      for (const failure of failures) {
        expect(String(failure)).toMatch(/Kafka rejected the username or the password/)
        expect(everythingOf(failure)).not.toContain('a wrong secret')
      }
      await publisher.close()
    },
  )

  it('presents its certificate to a broker that asks for one, and says what is missing without', async () => {
    const { topic } = await readyTopic()
    const { ca, mutual } = broker.secured ?? expect.fail('the broker has no secured listener')
    const [trusted, cert, key] = await Promise.all([ca, mutual.cert, mutual.key].map((path) => readFile(path, 'utf8')))
    const options = { brokers: [mutual.brokers], topic, tls: { ca: trusted, cert, key } }
    await expectToWork(options)

    const without = { ...options, tls: { ca: trusted } }
    const refused = kafkaPublisher(without)
    for (const attempt of [
      () => refused.send(notices('a')),
      () => follow(kafkaRevocations(without)).over,
      () => ensureTopic({ ...without, retentionMs: HOUR }),
    ]) {
      const failure: unknown = await attempt().catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(KafkaUnavailable)
      expect(String(failure)).toMatch(/client certificate.*tls\.cert and tls\.key/)
    }
    await refused.close()
  })

  it('does not talk to a broker whose certificate nobody confirms', async () => {
    const { tls: _, ...options } = await securedOptions('plain')
    const refused = kafkaPublisher({ ...options, tls: {} })
    await expect(refused.send(notices('a'))).rejects.toThrow(/certificate/)
    await refused.close()
  })

  it('finds the brokers that are there, whichever of those it was told is not', async () => {
    const there = await readyTopic()
    const gone = `127.0.0.1:${await freePort()}`
    for (const brokers of [
      [gone, ...there.brokers],
      [...there.brokers, gone],
    ]) {
      const options = { ...there, brokers }
      const said = randomUUID()
      await until(() => works(() => ensureTopic({ ...options, retentionMs: HOUR })))
      await until(() =>
        works(async () => {
          const publisher = kafkaPublisher(options)
          await publisher.send(notices(said)).finally(() => publisher.close())
        }),
      )
      await until(() =>
        works(async () => {
          const reader = follow(kafkaRevocations(options))
          let isOver = false
          const ended = () => void (isOver = true)
          reader.over.then(ended, ended)
          await until(() => isOver || reader.read.includes(said))
          await reader.stop()
        }),
      )
    }
  })

  it('says that Kafka cannot be used when nobody is there', async () => {
    const options = { brokers: [`127.0.0.1:${await freePort()}`], deadlineMs: DEADLINE_MS }
    const publisher = kafkaPublisher(options)
    await expect(publisher.send(notices('a'))).rejects.toThrow(KafkaUnavailable)
    await publisher.close()
    await expect(follow(kafkaRevocations(options)).over).rejects.toThrow(KafkaUnavailable)
    await expect(ensureTopic({ ...options, retentionMs: HOUR })).rejects.toThrow(KafkaUnavailable)
  })

  async function securedOptions(mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'): Promise<KafkaOptions> {
    const { secured } = broker
    if (secured === undefined) throw new Error('the broker has no secured listener')
    const { username, password } = secured
    const tls = { ca: await readFile(secured.ca, 'utf8') }
    return { brokers: [secured.brokers], tls, sasl: { mechanism, username, password }, deadlineMs: 10_000 }
  }
})

/** An error with all its causes and fields. */
function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.stack} ${JSON.stringify(Object.getOwnPropertyDescriptors(error))} ${everythingOf(error.cause)}`
}

/** Whether it went well; whoever publishes or reads tries again when it did not. */
const works = (work: () => Promise<unknown>): Promise<boolean> =>
  work().then(
    () => true,
    () => false,
  )
