import type { Position } from '@ledgate/eventsourcing'

/** How far something has come in the log, and who waits for it to come somewhere. */
export interface Progress {
  reach(position: Position): void
  /** Whether it comes to a place within so many milliseconds. */
  reaches(position: Position, ms: number): Promise<boolean>
}

export function createProgress(): Progress {
  const waiting = new Set<(reached: Position) => void>()
  let furthest: Position | undefined

  return {
    reach(position) {
      if (furthest !== undefined && furthest >= position) return
      furthest = position
      for (const look of waiting) look(position)
    },
    reaches: (position, ms) =>
      new Promise((resolve) => {
        const settle = (is: boolean): void => {
          clearTimeout(timer)
          waiting.delete(look)
          resolve(is)
        }
        const look = (reached: Position): void => {
          if (reached >= position) settle(true)
        }
        const timer = setTimeout(() => settle(false), ms)
        waiting.add(look)
        if (furthest !== undefined) look(furthest)
      }),
  }
}
