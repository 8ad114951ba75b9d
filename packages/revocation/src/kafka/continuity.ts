import type { KafkaMessage } from 'kafkajs'
import { fromCursor, isSamePlace, type MessagePlace, placeOf } from './cursor.ts'

/** The topic is not the one that was read so far: truncated, or deleted and made anew. */
export class BrokenTopic extends Error {
  readonly code = 'ERR_BROKEN_TOPIC'

  constructor(reason: string) {
    super(`the topic is not what it was: ${reason}`)
    this.name = 'BrokenTopic'
  }
}

/** Milliseconds between two looks at the topic after which it may have become another one unnoticed. */
const GAP_MS = 2_000

/** Kafka's number for the first message that a partition still has. */
const EARLIEST = '-2'

/** Sees to it that a reader goes through one topic without a gap, and begins anew when it is another one. */
export interface Continuity {
  /** Before every fetch, with a monotonic time in milliseconds. Returns the offset to go to first, if any. */
  fetching(now: number): string | undefined
  /** @returns the messages to hand on. @throws {BrokenTopic} */
  fetched(messages: readonly KafkaMessage[]): readonly KafkaMessage[]
  /** Kafka did not have the offset that was asked for, and the reader was put at the beginning. @throws {BrokenTopic} */
  wasReset(): void
}

/**
 * An offset says nothing about which topic it is an offset of. So the message that was read last is read again, and looked at,
 * before anything after it is trusted: at the beginning, and whenever the reader was away for a while.
 */
export function continuity(cursor: string | undefined): Continuity {
  let last: MessagePlace | undefined = fromCursor(cursor)
  let goTo = last?.offset.toString()
  let isBeginning = true
  let isChecking = last !== undefined
  let lookedAt = Number.POSITIVE_INFINITY

  /** Takes the message that was read last off the front; `undefined` when it is not there. */
  function afterLast(messages: readonly KafkaMessage[]): readonly KafkaMessage[] | undefined {
    const [first, ...rest] = messages
    if (first === undefined || last === undefined || !isSamePlace(placeOf(first), last)) return undefined
    isChecking = false
    isBeginning = false
    return rest
  }

  function checked(messages: readonly KafkaMessage[]): readonly KafkaMessage[] {
    const rest = afterLast(messages)
    if (rest !== undefined) return rest
    if (!isBeginning) throw new BrokenTopic(`another message stands at ${last?.offset}`)
    last = undefined
    isChecking = false
    goTo = EARLIEST
    return []
  }

  return {
    fetching(now) {
      if (last !== undefined && now - lookedAt > GAP_MS) {
        isChecking = true
        goTo = last.offset.toString()
      }
      lookedAt = now
      const to = goTo
      goTo = undefined
      return to
    },
    fetched(messages) {
      const fresh = isChecking ? checked(messages) : messages
      const [first] = fresh
      const end = fresh.at(-1)
      if (first === undefined || end === undefined) return fresh
      if (last !== undefined && BigInt(first.offset) <= last.offset)
        throw new BrokenTopic(`after ${last.offset} came ${first.offset}`)
      isBeginning = false
      last = placeOf(end)
      return fresh
    },
    wasReset() {
      if (!isBeginning) throw new BrokenTopic(`it has nothing at ${last?.offset} any more`)
    },
  }
}
