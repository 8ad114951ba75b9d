import { type EventFilter, type Page, matchesFilter, type Position } from '@ledgate/eventsourcing'
import { decodeOnce, numberOf, positionOf, type Row, weightOf } from './records.ts'

/** The end of the log in memory, so that followers that are nearly up to date need not read from disk. */
export interface LogEnd {
  /** Adds an append, in commit order. */
  written(rows: readonly Row[]): void
  /** The matching events after a position; `undefined` when the position is before the events in memory. */
  page(after: Position, filter: EventFilter | undefined): Page | undefined
}

/** Bytes, including the decoded objects: some hundred events, while followers are rarely behind by ten. */
const LIMIT = 1024 * 1024
/** Events in one page, so that other work runs between two pages. */
const PAGE_EVENTS = 64

/** @param start the last position before the events that will be added. */
export function createLogEnd(start: Position): LogEnd {
  let before = numberOf(start)
  let head = before
  let old: readonly Row[] = []
  let young: Row[] = []
  let weight = 0

  function push(row: Row): void {
    young.push(row)
    head = row[0]
    weight += weightOf(row)
    if (weight <= LIMIT / 2) return
    before = old.at(-1)?.[0] ?? before
    old = young
    young = []
    weight = 0
  }

  /** Newest first, because most followers need only a few. */
  function* backwards(): Generator<Row, void> {
    for (const rows of [young, old])
      for (let at = rows.length - 1; at >= 0; at -= 1) {
        const row = rows[at]
        if (row !== undefined) yield row
      }
  }

  return {
    written: (rows) => rows.forEach(push),
    page(after, filter) {
      const place = numberOf(after)
      if (place < before) return undefined
      const rows: Row[] = []
      for (const row of backwards()) {
        if (row[0] <= place) break
        if (matchesFilter(filter, { stream: row[1], type: row[4] })) rows.push(row)
      }
      const events = rows.reverse().slice(0, PAGE_EVENTS).map(decodeOnce)
      const atEnd = events.length === rows.length
      const through = atEnd ? positionOf(Math.max(head, place)) : (events.at(-1)?.position ?? after)
      return { events, through, atEnd }
    },
  }
}
