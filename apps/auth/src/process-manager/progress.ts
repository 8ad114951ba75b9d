import type { Position } from '@ledgate/eventsourcing'

/** Which events of those begun in order are finished, when they finish in any order. */
export interface Progress {
  begin(position: Position): { done(): void }
  /** The last event that is finished with all before it. */
  readonly reached: Position
  /** Events since the first unfinished one. */
  readonly size: number
}

/** @param start what was reached before. */
export function progress(start: Position): Progress {
  const open: { position: Position; isDone: boolean }[] = []
  let reached = start
  return {
    begin(position) {
      const entry = { position, isDone: false }
      open.push(entry)
      return {
        done() {
          entry.isDone = true
          while (open[0]?.isDone) reached = open.shift()?.position ?? reached
        },
      }
    },
    get reached() {
      return reached
    },
    get size() {
      return open.length
    },
  }
}
