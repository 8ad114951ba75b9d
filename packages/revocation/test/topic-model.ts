import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { Continued, Continuity } from '../src/kafka/continuity.ts'
import { gapAt, gapOf } from '../src/kafka/record-set.ts'
import { UnreadableBatch } from '../src/kafka/unreadable-batch.ts'

/** A topic of one partition as Kafka keeps it, with all that may happen to one. */
export interface TopicModel {
  readonly low: bigint
  readonly high: bigint
  /** How often it was made anew. */
  readonly life: number
  /** @returns the offset at which it was written. */
  append(text: string, headers?: IHeaders): bigint
  deleteBefore(offset: bigint): void
  /** Lets nobody read so many messages from an offset on. */
  damage(from: bigint, count: number): void
  /** Deletes it and makes another of its name, which begins at offset 0. */
  makeAnew(): void
  /** Whether something cannot be read from an offset on. */
  isDamagedFrom(offset: bigint): boolean
  read(from: bigint, count: number): readonly KafkaMessage[]
}

export function topicModel(): TopicModel {
  let [low, high, life] = [0n, 0n, 0]
  let messages: readonly KafkaMessage[] = []

  return {
    get low() {
      return low
    },
    get high() {
      return high
    },
    get life() {
      return life
    },
    append(text, headers = {}) {
      const offset = high
      messages = [...messages, messageOf(offset, text, headers)]
      high += 1n
      return offset
    },
    deleteBefore(offset) {
      if (offset > low) low = offset < high ? offset : high
      messages = messages.filter((message) => BigInt(message.offset) >= low)
    },
    damage(from, count) {
      const to = from + BigInt(count) - 1n
      const offsets = { from, to: to < high ? to : high - 1n }
      if (offsets.from < low || offsets.to < offsets.from) return
      const isIn = ({ offset }: KafkaMessage) => BigInt(offset) >= offsets.from && BigInt(offset) <= offsets.to
      const gap = gapOf(new UnreadableBatch({ reason: 'is damaged', offsets }), offsets)
      messages = messages.flatMap((message) => {
        if (!isIn(message)) return [message]
        return BigInt(message.offset) === offsets.to ? [gap] : []
      })
    },
    makeAnew() {
      messages = []
      ;[low, high, life] = [0n, 0n, life + 1]
    },
    isDamagedFrom: (from) => messages.some((message) => BigInt(message.offset) >= from && gapAt(message) !== undefined),
    read: (from, count) => messages.filter(({ offset }) => BigInt(offset) >= from).slice(0, count),
  }
}

export const messageOf = (offset: bigint, text: string, headers: IHeaders = {}): KafkaMessage => ({
  key: null,
  value: Buffer.from(text),
  timestamp: '0',
  attributes: 0,
  offset: String(offset),
  headers,
})

/** One reading of a topic, told of what happens in the order in which kafkajs tells it. */
export interface ModelReading {
  /** One round of the fetch loop: asks the broker that leads, which takes so long, for at most so many messages. */
  fetch(round: {
    readonly count: number
    readonly took: number
    readonly meanwhile?: () => void
  }): readonly Continued[] | undefined
  /** Time goes by, in which only the brokers that do not lead are asked: its taker is slow. */
  wait(ms: number): void
}

const LEADER = 1
const FOLLOWER = 2
/** How often kafkajs asks a broker that does not lead. */
const ASKED_EVERY_MS = 500

export function modelReading(topic: TopicModel, order: Continuity): ModelReading {
  let now = 0
  let position: bigint | undefined

  /** Whether it was told to go elsewhere. */
  function looks(broker: number): boolean {
    const goTo = order.looking(broker, now)
    if (goTo === undefined) return false
    // What kafkajs asks for when it is told to go to the earliest message.
    position = goTo === '-2' ? 0n : BigInt(goTo)
    return true
  }

  return {
    fetch({ count, took, meanwhile = () => undefined }) {
      looks(LEADER)
      meanwhile()
      position ??= topic.low
      if (position < topic.low || position > topic.high) {
        order.wasReset()
        position = topic.low
        return undefined
      }
      const messages = topic.read(position, count)
      now += took
      const last = messages.at(-1)
      if (looks(LEADER) || last === undefined) return undefined
      const continued = order.fetched(messages.filter((message) => gapAt(message) === undefined))
      position = BigInt(last.offset) + 1n
      return continued
    },
    wait(ms) {
      for (const end = now + ms; now < end;) {
        now = Math.min(now + ASKED_EVERY_MS, end)
        looks(FOLLOWER)
      }
    },
  }
}
