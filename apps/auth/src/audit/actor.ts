import type { JsonObject } from '@ledgate/eventsourcing'
import type { Actor } from '../log/index.ts'

/** An actor as one word: its type and id. */
export const actorText = ({ type, id }: Actor): string => `${type}:${id}`

/** Who did what an event tells, from its metadata; also for events of a newer version. */
export function actorName({ actor }: JsonObject): string {
  if (typeof actor !== 'object' || actor === null || Array.isArray(actor)) return 'unknown:'
  const { type, id } = actor as JsonObject
  return typeof type === 'string' && typeof id === 'string' ? `${type}:${id}` : 'unknown:'
}
