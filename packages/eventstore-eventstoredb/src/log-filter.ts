import type { EventFilter } from '@ledgate/eventsourcing'
import type { ServerFilter } from './read-request.ts'
import { LOG_STREAMS, PULSE, PULSES } from './recorded.ts'

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
const exactly = (names: readonly string[]): string => `^(${names.map(escaped).join('|')})$`
const inCategories = (categories: readonly string[]): string => `(${categories.map(escaped).join('|')})(-|$)`

/**
 * What the server gives of the log: not its own streams, what is no part of the log, nor categories or types that nobody asked
 * for. It filters by one of the two.
 */
export function logFilter({ categories, types }: EventFilter = {}): ServerFilter {
  if (types !== undefined) return { types: exactly(types) }
  return { streams: categories === undefined ? LOG_STREAMS : `^${inCategories(categories)}` }
}

/** The same and the pulses, so that every subscription sees how far the log has come. */
export function followedFilter({ categories, types }: EventFilter = {}): ServerFilter {
  if (types !== undefined) return { types: exactly([...types, PULSE]) }
  const wanted = categories === undefined ? LOG_STREAMS : `^${inCategories(categories)}`
  return { streams: `^${escaped(PULSES)}$|${wanted}` }
}
