import { type EventFilter, type Page, matchesFilter, type Position } from '@ledgate/eventsourcing'
import { decodeOnce, numberOf, positionOf, type Row, weightOf } from './records.ts'

/** The end of the log in memory: whoever follows closely reads there, and not from the disk. */
export interface LogEnd {
  /** Takes up what was written. Writes come in commit order. */
  written(rows: readonly Row[]): void
  /** What comes after a place and passes; `undefined` when that began before what is known. */
  page(after: Position, filter: EventFilter | undefined): Page | undefined
}

/** Bytes, the objects made of the rows included: some hundred events, and followers are seldom behind by ten. */
const LIMIT = 1024 * 1024
/** Events of one look, so that whoever is behind lets others have their turn. */
const PAGE_EVENTS = 64

/** @param start the last position before everything that will be taken up. */
export function logEnd(start: Position): LogEnd {
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

  /** Newest first: whoever follows closely wants few. */
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
