import { beforeRecord, compare, FIRST, indexAt, isRecord, type LogPosition, positionOf } from './log-position.ts'
import type { Member } from './member.ts'
import { BATCH, type Filter } from './read-messages.ts'
import type { StoredEvent } from './stored-event.ts'

/** Events of the whole log that a node gives in one go (AllReader.cs). */
export interface Page {
  readonly events: readonly StoredEvent[]
  /** Events that were looked at. */
  readonly considered: number
  readonly current: LogPosition
  readonly next: LogPosition
  readonly isEnd: boolean
}

/** Whether nothing begins at a position that the log has passed: it cannot be read from. */
export const isInvalid = ({ log }: Member, position: LogPosition): boolean =>
  compare(position, FIRST) >= 0 && !isRecord(position) && indexAt(position) < log.records.length

/** What stands at a position and after it. A position past the end has nothing. */
export function pageFrom({ log, committed, gone }: Member, from: LogPosition, filter: Filter | undefined): Page {
  const current = compare(from, FIRST) < 0 ? FIRST : from
  const events: StoredEvent[] = []
  let considered = 0
  let index = indexAt(current)
  for (; index < committed && events.length < BATCH && considered < (filter?.window ?? BATCH); index += 1) {
    const event = log.records[index]?.event
    if (event === undefined || gone.has(event) || compare(positionOf(index), current) < 0) continue
    considered += 1
    if (filter === undefined || filter.passes(event)) events.push(event)
  }
  return { events, considered, current, next: beforeRecord(index), isEnd: index >= committed }
}
