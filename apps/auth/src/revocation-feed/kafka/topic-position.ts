import { keptPosition, type Position, type PositionParser } from '@ledgate/eventsourcing'
import type { TopicRange } from '@ledgate/revocation'
import { z } from 'zod'

const Offset = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .transform(BigInt)

/** How much of the log is in a topic, and where. */
const TopicPlace = z.object({
  /** Every notice up to here was sent. */
  position: z.string(),
  /** Of the last message that was written; the one before the first, when there was none yet. */
  offset: Offset,
  /**
   * The last message that was read back, as a cursor for readers of the topic, or the first when none was yet: between it and the end
   * something may be missing that only a reader finds out.
   */
  cursor: z.string().optional(),
  /** Whoever reads from here on, or from before, is told of everything that still matters. */
  since: Offset,
  /** When all of that was written, in milliseconds since the epoch. */
  filledAt: z.number(),
  /** The keys that signed it. */
  kids: z.array(z.string()).readonly(),
})
export type TopicPlace = z.infer<typeof TopicPlace> & { readonly position: Position }

/** A place as one text, so that it is kept in one step. */
export const placeText = ({ offset, since, ...place }: TopicPlace): string =>
  JSON.stringify({ ...place, offset: String(offset), since: String(since) })

/** The place that was kept; `undefined` when none was, an older version kept it in other words, or it is of another log. */
export function readPlace(text: string, log: PositionParser): TopicPlace | undefined {
  try {
    const kept = TopicPlace.parse(JSON.parse(text))
    return { ...kept, position: keptPosition(log, kept.position) }
  } catch {
    return undefined
  }
}

/** Whether something that still matters is no longer in the topic: its end was lost, or its beginning went too soon. */
export const isLost = ({ offset, since }: TopicPlace, { low, high }: TopicRange): boolean =>
  high <= offset || low > since
