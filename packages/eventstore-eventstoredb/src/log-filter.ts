import type { EventFilter } from '@ledgate/eventsourcing'
import type { ServerFilter } from './read-request.ts'
import { LOG_STREAMS, END_MARKER, END_MARKERS } from './recorded.ts'

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
const exactly = (names: readonly string[]): string => `^(${names.map(escaped).join('|')})$`
const inCategories = (categories: readonly string[]): string => `(${categories.map(escaped).join('|')})(-|$)`

/**
 * The server-side filter for the log: without system streams, internal streams, and categories or types that were not requested.
 * A server filters by either streams or types.
 */
export function logFilter({ categories, types }: EventFilter = {}): ServerFilter {
  if (types !== undefined) return { types: exactly(types) }
  return { streams: categories === undefined ? LOG_STREAMS : `^${inCategories(categories)}` }
}

/** The same with the end markers, so that every subscription learns how far the log has come. */
export function followedFilter({ categories, types }: EventFilter = {}): ServerFilter {
  if (types !== undefined) return { types: exactly([...types, END_MARKER]) }
  const wanted = categories === undefined ? LOG_STREAMS : `^${inCategories(categories)}`
  return { streams: `^${escaped(END_MARKERS)}$|${wanted}` }
}
