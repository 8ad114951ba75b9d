import type { KafkaMessage } from 'kafkajs'
import { fromCursor, isSamePlace, placeOf, type ReadPlace } from './cursor.ts'

/** The topic is not the one that was read so far: truncated, or deleted and made anew. */
export class BrokenTopic extends Error {
  readonly code = 'ERR_BROKEN_TOPIC'

  constructor(reason: string) {
    super(`the topic is not what it was: ${reason}`)
    this.name = 'BrokenTopic'
  }
}

/** Milliseconds between two looks at a broker after which the topic may have become another one unnoticed. */
const GAP_MS = 2_000

/** Kafka's number for the first message that a partition still has. */
const EARLIEST = '-2'

/** Messages that follow each other without a gap; there may be none. */
export interface Continued {
  /** The offset from which on everything was read, up to them. */
  readonly began: bigint
  readonly messages: readonly KafkaMessage[]
}

/** Sees to it that a reader goes through one topic without a gap, and begins anew when it is another one. */
export interface Continuity {
  /**
   * Before and after every fetch from a broker, with a monotonic time in milliseconds.
   *
   * @returns the offset to go to first, if any: what was fetched meanwhile is not to be looked at.
   */
  looking(broker: number, now: number): string | undefined
  /**
   * Where something is missing between two messages, whoever goes on behind it began there.
   *
   * @returns what to hand on, part by part, unless the reader has to go elsewhere first. @throws {BrokenTopic}
   */
  fetched(messages: readonly KafkaMessage[]): readonly Continued[] | undefined
  /** Kafka did not have the offset that was asked for, and the reader was put at the beginning. @throws {BrokenTopic} */
  wasReset(): void
}

export interface ContinuityOptions {
  /** Whether a cursor whose message is not there, or a message that is missing, breaks the topic, instead of being forgotten. */
  readonly neverBeginsAnew?: boolean | undefined
  /** The offset at which it begins without a cursor; the beginning of the topic unless told. */
  readonly beginsAt?: bigint | undefined
}

/**
 * An offset says nothing about which topic it is an offset of. So the message that was read last is read again, and looked at,
 * before anything after it is trusted: at the beginning, and whenever the reader was away for a while.
 *
 * @throws {BrokenTopic} when the cursor is of something else, and nothing but a cursor may be gone on from.
 */
export function continuity(
  cursor: string | undefined,
  { neverBeginsAnew = false, beginsAt }: ContinuityOptions = {},
): Continuity {
  let last: ReadPlace | undefined = fromCursor(cursor)
  const beginning = beginsAt?.toString() ?? EARLIEST
  let goTo = (last?.offset ?? beginsAt)?.toString()
  let isBeginning = true
  let isChecking = last !== undefined
  // Of each broker by itself: kafkajs looks at those that do not lead the topic, too, however long the one that does hangs.
  const lookedAt = new Map<number, number>()
  const mayBeginAnew = () => isBeginning && !neverBeginsAnew

  if (neverBeginsAnew && cursor !== undefined && last === undefined)
    throw new BrokenTopic('its cursor is of something else')

  /** Takes the message that was read last off the front; `undefined` when it is not there. */
  function afterLast(messages: readonly KafkaMessage[]): readonly KafkaMessage[] | undefined {
    const [first, ...rest] = messages
    if (first === undefined || last === undefined || !isSamePlace(placeOf(first), last)) return undefined
    isChecking = false
    isBeginning = false
    return rest
  }

  /** What comes after the message that was read last, or nothing and the beginning as the place to go to. */
  function checked(messages: readonly KafkaMessage[]): readonly KafkaMessage[] | undefined {
    const rest = afterLast(messages)
    if (rest !== undefined) return rest
    if (!mayBeginAnew()) throw new BrokenTopic(`another message stands at ${last?.offset}`)
    last = undefined
    isChecking = false
    goTo = beginning
    return undefined
  }

  /** Where whoever comes to a message has begun. @throws {BrokenTopic} */
  function beganBefore(offset: bigint, before: Pick<ReadPlace, 'began' | 'offset'> | undefined): bigint {
    if (before === undefined) return offset
    if (offset <= before.offset) throw new BrokenTopic(`after ${before.offset} came ${offset}`)
    if (offset === before.offset + 1n) return before.began
    if (neverBeginsAnew) throw new BrokenTopic(`nothing can be read between ${before.offset} and ${offset}`)
    return offset
  }

  function goneOn(messages: readonly KafkaMessage[]): readonly Continued[] {
    const end = messages.at(-1)
    if (end === undefined) return last === undefined ? [] : [{ began: last.began, messages }]
    const parts: { readonly began: bigint; readonly messages: KafkaMessage[] }[] = []
    let before: Pick<ReadPlace, 'began' | 'offset'> | undefined = last
    for (const message of messages) {
      const offset = BigInt(message.offset)
      const began = beganBefore(offset, before)
      const part = parts.at(-1)
      if (part?.began === began) part.messages.push(message)
      else parts.push({ began, messages: [message] })
      before = { began, offset }
    }
    last = { began: before?.began ?? BigInt(end.offset), ...placeOf(end) }
    isBeginning = false
    return parts
  }

  return {
    looking(broker, now) {
      const before = lookedAt.get(broker)
      lookedAt.set(broker, now)
      const wasAway = before === undefined || now - before > GAP_MS
      // While it is checked, what a slow broker answers is the check: to ask again would go on for ever.
      if (wasAway && last !== undefined && !isChecking) {
        isChecking = true
        goTo = last.offset.toString()
      }
      // Whoever waits at the end of an empty topic has no message to look at.
      if (wasAway && last === undefined && before !== undefined) goTo = beginning
      const to = goTo
      goTo = undefined
      return to
    },
    fetched(messages) {
      const fresh = isChecking ? checked(messages) : messages
      return fresh && goneOn(fresh)
    },
    wasReset() {
      if (last !== undefined && !mayBeginAnew()) throw new BrokenTopic(`it has nothing at ${last.offset} any more`)
    },
  }
}
