import type { Position } from '@ledgate/eventsourcing'
import type { TopicRange } from '@ledgate/revocation'
import { z } from 'zod'

const Offset = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform(BigInt)

/** How much of the log is in a topic, and where. */
const TopicPlace = z.object({
  /** Every notice up to here was sent. */
  position: z.string().transform((text) => text as Position),
  /** Of the last message that was written; the one before the first, when there was none yet. */
  offset: z
    .string()
    .regex(/^-?\d{1,19}$/)
    .transform(BigInt),
  /** Whoever reads from here on, or from before, is told of everything that still matters. */
  since: Offset,
  /** The key that signed it. */
  kid: z.string(),
})
export type TopicPlace = z.infer<typeof TopicPlace>

/** A place as one text, so that it is kept in one step. */
export const placeText = ({ position, offset, since, kid }: TopicPlace): string =>
  JSON.stringify({ position, offset: String(offset), since: String(since), kid })

/** The place that was kept; `undefined` when none was, or an older version kept it in other words. */
export function readPlace(text: string): TopicPlace | undefined {
  try {
    return TopicPlace.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** Whether something that still matters is not in the topic any more: its end was lost, or its beginning went too soon. */
export const isLost = ({ offset, since }: TopicPlace, { low, high }: TopicRange): boolean =>
  high <= offset || low > since
