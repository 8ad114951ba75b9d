import type { Notice } from '@ledgate/revocation'
import type { DomainEvent, DomainRecord } from '../catalogue/index.ts'
import { type Ending, type EndingFacts, endings } from './ending.ts'
import type { EventMetadata } from '../log/index.ts'

/** Seconds by which clocks may differ. */
export const SKEW = 60
/** Seconds for which a compromised key is published: it could sign for ever. */
export const KEY_WARNING = 400 * 86_400

/**
 * Seconds for which a notice can be checked, and a topic keeps it: longer than any token lives, and than everything that
 * matters takes to be sent again.
 */
export const NOTICES_KEPT = 7 * 86_400

/** The types of events that may end something. */
export const ENDING_TYPES: readonly DomainEvent['type'][] = (Object.keys(endings) as DomainEvent['type'][]).filter(
  (type) => endings[type] !== 'nothing',
)

type Entry = 'nothing' | ((event: DomainEvent & EventMetadata, facts: EndingFacts) => Ending | undefined)

/** What an event ends, as far as the log says; `undefined` when it ends nothing. */
export function endingOf(event: DomainRecord, facts: EndingFacts): Ending | undefined {
  const entry = endings[event.type] as Entry // each entry takes the events of its own type
  return entry === 'nothing' ? undefined : entry(event, facts)
}

/** When something happened, in whole seconds since the epoch. */
export const timeOf = ({ created }: Pick<DomainRecord, 'created'>): number => Math.ceil(created / 1000)

export interface NoticeFacts {
  readonly issuer: string
  /**
   * The epoch of the issuer, as the log had it at the event or later: a notice that says a lower one would not end tokens of
   * now, while one that says a higher one ends those that the epoch itself has ended.
   */
  readonly issuerEpoch: number
  /** The longest life that any access token was ever allowed, in seconds, as the log had it at the event or later. */
  readonly tokenCap: number
}

/** What is true of something that ended at a time: no token of before outlives the cap, however the clocks differ. */
export const factsAt = (time: number, { issuer, issuerEpoch, tokenCap }: NoticeFacts): EndingFacts => ({
  issuer,
  issuerEpoch,
  tokensUntil: time + tokenCap + SKEW,
  keysUntil: time + KEY_WARNING,
  tokenUntil: (exp) => exp + SKEW,
})

/** The notice of an event; `undefined` when it ends nothing. */
export function noticeOf(event: DomainRecord, facts: NoticeFacts): Notice | undefined {
  const time = timeOf(event)
  const ending = endingOf(event, factsAt(time, facts))
  if (ending === undefined) return undefined
  const { id: jti, position, envelope } = event
  return { kind: 'notice', ...ending, time, jti, txn: envelope.$correlationId, position }
}
