import type { KafkaMessage } from 'kafkajs'
import { fromCursor, isSameMessage, messageIdOf, type ReadRange } from './cursor.ts'
import { RevocationError } from '../error/index.ts'

/**
 * The topic is not the one that was read so far: it was truncated, or deleted and created again.
 *
 * @example
 * ```ts
 * import type { Logger } from '@ledgate/verifier'
 * import { BrokenTopic } from '@ledgate/verifier/kafka'
 *
 * export const logger: Pick<Logger, 'warn'> = {
 *   warn(fields, message) {
 *     if ('err' in fields && fields.err instanceof BrokenTopic) console.warn('the topic was replaced: it is read from its beginning')
 *     else console.warn(message)
 *   },
 * }
 * ```
 */
export class BrokenTopic extends RevocationError {
  override readonly name = 'BrokenTopic'
  readonly code = 'ERR_BROKEN_TOPIC'

  constructor(reason: string) {
    super(`the topic was truncated or replaced: ${reason}`)
  }
}

/** Milliseconds between two fetches from a broker after which the topic may have been replaced unnoticed. */
const GAP_MS = 2_000

/** Kafka's number for the first message that a partition still has. */
const EARLIEST = '-2'

/** Consecutive messages without a gap; possibly none. */
export interface Continued {
  /** The offset from which everything up to these messages was read. */
  readonly began: bigint
  readonly messages: readonly KafkaMessage[]
}

/** Ensures that a reader reads one topic without a gap, and restarts if the topic is replaced. */
export interface Continuity {
  /**
   * Is called before and after every fetch from a broker, with a monotonic time in milliseconds.
   *
   * @returns the offset to seek first, if any: what was fetched meanwhile must be ignored.
   */
  looking(broker: number, now: number): string | undefined
  /**
   * Takes fetched messages. After a gap, the reader counts as started behind it.
   *
   * @returns the messages to pass on, in parts, unless the reader must seek first. @throws {BrokenTopic}
   */
  fetched(messages: readonly KafkaMessage[]): readonly Continued[] | undefined
  /** Kafka did not have the requested offset, and reset the reader to the beginning. @throws {BrokenTopic} */
  wasReset(): void
}

export interface ContinuityOptions {
  /** Whether a cursor whose message is missing, or a gap, ends the reading instead of restarting it. */
  readonly neverRestarts?: boolean | undefined
  /** The offset to start at without a cursor. Default: the beginning of the topic. */
  readonly startsAt?: bigint | undefined
}

/**
 * An offset does not identify its topic. Therefore the last message is read again and compared before anything after it is trusted:
 * at the start, and whenever the reader was disconnected for a while.
 *
 * @throws {BrokenTopic} if the cursor is not one of Kafka and restarting is not allowed.
 */
export function continuity(
  cursor: string | undefined,
  { neverRestarts = false, startsAt }: ContinuityOptions = {},
): Continuity {
  let last: ReadRange | undefined = fromCursor(cursor)
  const start = startsAt?.toString() ?? EARLIEST
  let goTo = (last?.offset ?? startsAt)?.toString()
  let isStarting = true
  let isChecking = last !== undefined
  // For each broker, since kafkajs also fetches from those that do not lead the topic while the leader hangs.
  const lookedAt = new Map<number, number>()
  const mayRestart = () => isStarting && !neverRestarts

  if (neverRestarts && cursor !== undefined && last === undefined)
    throw new BrokenTopic('the cursor is not one of Kafka')

  /** The messages after the last one that was read; `undefined` if that is not the first. */
  function afterLast(messages: readonly KafkaMessage[]): readonly KafkaMessage[] | undefined {
    const [first, ...rest] = messages
    if (first === undefined || last === undefined || !isSameMessage(messageIdOf(first), last)) return undefined
    isChecking = false
    isStarting = false
    return rest
  }

  /** The messages after the last one that was read; if that is missing, the reader restarts at the beginning. */
  function checked(messages: readonly KafkaMessage[]): readonly KafkaMessage[] | undefined {
    const rest = afterLast(messages)
    if (rest !== undefined) return rest
    if (!mayRestart()) throw new BrokenTopic(`there is another message at offset ${last?.offset}`)
    last = undefined
    isChecking = false
    goTo = start
    return undefined
  }

  /** The start of a reader that comes to a message. @throws {BrokenTopic} */
  function startBefore(offset: bigint, before: Pick<ReadRange, 'began' | 'offset'> | undefined): bigint {
    if (before === undefined) return offset
    if (offset <= before.offset) throw new BrokenTopic(`offset ${offset} followed offset ${before.offset}`)
    if (offset === before.offset + 1n) return before.began
    if (neverRestarts)
      throw new BrokenTopic(`the messages between offsets ${before.offset} and ${offset} cannot be read`)
    return offset
  }

  function continueWith(messages: readonly KafkaMessage[]): readonly Continued[] {
    const end = messages.at(-1)
    if (end === undefined) return last === undefined ? [] : [{ began: last.began, messages }]
    const parts: { readonly began: bigint; readonly messages: KafkaMessage[] }[] = []
    let before: Pick<ReadRange, 'began' | 'offset'> | undefined = last
    for (const message of messages) {
      const offset = BigInt(message.offset)
      const began = startBefore(offset, before)
      const part = parts.at(-1)
      if (part?.began === began) part.messages.push(message)
      else parts.push({ began, messages: [message] })
      before = { began, offset }
    }
    last = { began: before?.began ?? BigInt(end.offset), ...messageIdOf(end) }
    isStarting = false
    return parts
  }

  return {
    looking(broker, now) {
      const before = lookedAt.get(broker)
      lookedAt.set(broker, now)
      const wasAway = before === undefined || now - before > GAP_MS
      // While a check is pending, the answer of a slow broker is the check: seeking again would never end.
      if (wasAway && last !== undefined && !isChecking) {
        isChecking = true
        goTo = last.offset.toString()
      }
      // A reader at the end of an empty topic has no message to compare.
      if (wasAway && last === undefined && before !== undefined) goTo = start
      const to = goTo
      goTo = undefined
      return to
    },
    fetched(messages) {
      const fresh = isChecking ? checked(messages) : messages
      return fresh && continueWith(fresh)
    },
    wasReset() {
      if (last !== undefined && !mayRestart()) throw new BrokenTopic(`offset ${last.offset} no longer exists`)
    },
  }
}
