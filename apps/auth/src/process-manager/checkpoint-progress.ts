import type { Position } from '@ledgate/eventsourcing'

/** Which events of those begun in order are finished, when they finish in any order. */
export interface Progress {
  begin(position: Position): { done(): void }
  /** The last event that is finished with all before it. */
  readonly reached: Position
  /** Events since the first unfinished one. */
  readonly size: number
}

/** Finished ones that are kept until they are tidied away together. */
const TIDIED_AT = 1_000

/** @param start what was reached before. */
export function createProgress(start: Position): Progress {
  const open: { position: Position; isDone: boolean }[] = []
  let reached = start
  let first = 0
  return {
    begin(position) {
      const entry = { position, isDone: false }
      open.push(entry)
      return {
        done() {
          entry.isDone = true
          for (; open[first]?.isDone; first += 1) reached = open[first]?.position ?? reached
          if (first < TIDIED_AT && first < open.length) return
          open.splice(0, first) // not one by one: that would move all the others each time
          first = 0
        },
      }
    },
    get reached() {
      return reached
    },
    get size() {
      return open.length - first
    },
  }
}
