import { setTimeout as pause } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import { onTestFinished } from 'vitest'

const TOPIC = 'ledgate.revocations.v1'

/** A message of the topic, read by other code than the SDK's. */
export interface Written {
  readonly offset: bigint
  readonly kind: 'notice' | 'heartbeat'
  /** Of a notice: the id of its event. */
  readonly id: string
  /** Of a notice: the name of what ended. */
  readonly endedId: string
}

/** Everything that is written to the topic, as it comes. */
export interface Tape {
  /** Every message that was in the topic when this was called, in order. */
  upToNow(): Promise<readonly Written[]>
}

function writtenOf({ offset, value, headers }: KafkaMessage): Written {
  const { jti, sub_id } = decodeJwt<{ sub_id: { id?: string } }>(String(value))
  const kind = String(headers?.['kind']) === 'notice' ? 'notice' : 'heartbeat'
  return { offset: BigInt(offset), kind, id: String(jti), endedId: String(sub_id.id) }
}

/** Reads a topic from its beginning, once it is there, until the test ends. Its broker must not be harmed meanwhile. */
export async function openTape(brokers: readonly string[]): Promise<Tape> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  const consumer = kafka.consumer({ groupId: 'tape', maxWaitTimeInMs: 50, allowAutoTopicCreation: false })
  const written: Written[] = []
  onTestFinished(async () => {
    await consumer.disconnect()
    await admin.disconnect()
  })
  await admin.connect()
  while (!(await admin.listTopics()).includes(TOPIC)) await pause(50)
  await consumer.connect()
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => void written.push(...batch.messages.map(writtenOf)),
  })
  return {
    async upToNow() {
      const [range] = await admin.fetchTopicOffsets(TOPIC)
      const end = BigInt(range?.high ?? 0)
      while ((written.at(-1)?.offset ?? -1n) < end - 1n) await pause(5)
      return written.slice(0, written.findLastIndex(({ offset }) => offset < end) + 1)
    },
  }
}

/** The first of each notice, in the order in which they were written. */
export const firstNotices = (written: readonly Written[]): readonly Written[] => {
  const seen = new Set<string>()
  return written.filter(({ kind, id }) => kind === 'notice' && seen.size < seen.add(id).size)
}

/** The names of everything of which it was written that it ended. */
export const toldIn = (written: readonly Written[]): ReadonlySet<string> =>
  new Set(written.filter(({ kind }) => kind === 'notice').map(({ endedId }) => endedId))

/** How often a heartbeat says an earlier time than one before it: it is of a sender that does not know that its turn is over. */
export function timesGoneBack(written: readonly Written[]): number {
  // The id of a heartbeat begins with its time.
  const times = written.filter(({ kind }) => kind === 'heartbeat').map(({ id }) => Number(id.split('.')[1]))
  let latest = 0
  return times.filter((at) => at < latest || ((latest = at), false)).length
}
