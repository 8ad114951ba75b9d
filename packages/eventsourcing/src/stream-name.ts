import type { RecordedEvent } from './event.ts'
import type { EventFilter } from './event-store.ts'

const MAX_NAME_LENGTH = 255
const CONTROL = /\p{Cc}/u

const isName = (name: string): boolean =>
  name.length > 0 &&
  name.length <= MAX_NAME_LENGTH &&
  !name.startsWith('$') &&
  name.isWellFormed() &&
  !CONTROL.test(name)

/**
 * Checks that every store accepts the name of a stream or the type of an event: 1 to 255 UTF-16 code units, well-formed, no
 * control characters, and no `$` at the start, which EventStoreDB reserves.
 *
 * @throws {TypeError} when the name is not valid.
 */
export function assertName(kind: 'stream name' | 'event type', name: string): void {
  if (!isName(name)) throw new TypeError(`not a valid ${kind}: ${JSON.stringify(name).slice(0, 80)}`)
}

/** The part of a stream's name before its first `-`; the whole name if it has none. */
export function categoryOf(stream: string): string {
  const dash = stream.indexOf('-')
  return dash === -1 ? stream : stream.slice(0, dash)
}

/** Whether an event matches the filter. */
export function matchesFilter(filter: EventFilter | undefined, event: Pick<RecordedEvent, 'stream' | 'type'>): boolean {
  const { categories, types } = filter ?? {}
  return (
    (categories === undefined || categories.includes(categoryOf(event.stream))) &&
    (types === undefined || types.includes(event.type))
  )
}
