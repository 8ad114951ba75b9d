import type { IHeaders } from 'kafkajs'
import type { ConfirmedOffsets } from '../feed/index.ts'

const OFFSET = /^\d{1,19}$/
/** -1 if there is no message before. */
const PREVIOUS = /^(?:-1|\d{1,19})$/

/** What a heartbeat confirms, as the headers of its message. */
export const confirmedHeaders = ({ since, previous }: ConfirmedOffsets): { since: string; previous: string } => ({
  since: String(since),
  previous: String(previous),
})

/** What the headers of a message confirm; `undefined` if they do not say it. */
export function readConfirmed({ since, previous }: IHeaders): ConfirmedOffsets | undefined {
  const [from, behind] = [textOf(since), textOf(previous)]
  if (!OFFSET.test(from) || !PREVIOUS.test(behind)) return undefined
  return { since: BigInt(from), previous: BigInt(behind) }
}

/** The text of a header that occurs once. */
const textOf = (value: IHeaders[string]): string =>
  typeof value === 'string' || Buffer.isBuffer(value) ? value.toString() : ''

/** The offset of a message, and the offset from which everything before it was read. */
export interface ReadUpTo {
  readonly began: bigint
  readonly offset: bigint
}

/**
 * Whether a heartbeat confirms what was read before it: the reader started at `since` or before, and the heartbeat is behind the
 * previous message of its publisher. Otherwise the topic has lost messages.
 */
export const isConfirming = (confirmed: ConfirmedOffsets | undefined, { began, offset }: ReadUpTo): boolean =>
  confirmed !== undefined && began <= confirmed.since && offset > confirmed.previous
