import type { IHeaders } from 'kafkajs'
import type { Vouched } from '../feed/index.ts'

const OFFSET = /^\d{1,19}$/
/** Before the first message there is none: then it is -1. */
const PREVIOUS = /^(?:-1|\d{1,19})$/

/** What a heartbeat vouches for, as the headers of its message. */
export const vouchedHeaders = ({ since, previous }: Vouched): { since: string; previous: string } => ({
  since: String(since),
  previous: String(previous),
})

/** What the headers of a message say it vouches for; `undefined` when they do not say it. */
export function readVouched({ since, previous }: IHeaders): Vouched | undefined {
  const [from, behind] = [textOf(since), textOf(previous)]
  if (!OFFSET.test(from) || !PREVIOUS.test(behind)) return undefined
  return { since: BigInt(from), previous: BigInt(behind) }
}

/** The text of a header that is there once. */
const textOf = (value: IHeaders[string]): string =>
  typeof value === 'string' || Buffer.isBuffer(value) ? value.toString() : ''

/** Where a message stands, and from which offset on everything before it was read. */
export interface ReadUpTo {
  readonly began: bigint
  readonly offset: bigint
}

/**
 * Whether a message may vouch for what was read before it: its sender vouches for whoever began at `since` or before, and
 * finds it behind the message that was sent before. One that stands elsewhere stands in a topic that lost something.
 */
export const isVouching = (vouched: Vouched | undefined, { began, offset }: ReadUpTo): boolean =>
  vouched !== undefined && began <= vouched.since && offset > vouched.previous
