import { Gone } from './position-expired.ts'
import { TooSlow } from './too-slow.ts'
import type { Told } from './announcement.ts'

/** Everybody who hears of what comes, each at a pace of its own. */
export interface Listeners {
  tell(item: Told): void
  size(): number
  /** Ends all of them: what they were told may not be true for those who hear it later. */
  cut(): void
  /** What is given first, then everything that is told from this moment on, until the signal. @throws {Gone | TooSlow} */
  listen(first: readonly Told[], signal: AbortSignal): AsyncGenerator<Told, void>
}

/** @param most items that wait for one listener, beside those it began with. */
export function listeners(most: number): Listeners {
  const all = new Set<{ tell(item: Told): void; end(error: Error): void }>()

  return {
    tell(item) {
      for (const each of all) each.tell(item)
    },
    size: () => all.size,
    cut() {
      for (const each of [...all]) each.end(new Gone())
    },
    listen(first, signal) {
      let waiting = [...first]
      let failure: Error | undefined
      let wake = (): void => undefined
      const own = {
        tell(item: Told) {
          if (waiting.length >= first.length + most) return own.end(new TooSlow())
          waiting.push(item)
          wake()
        },
        end(error: Error) {
          failure = error
          waiting = []
          all.delete(own)
          wake()
        },
      }
      const woken = () => wake()
      // Before the first item is asked for: nothing that is told meanwhile is missed.
      all.add(own)
      signal.addEventListener('abort', woken)

      async function* given(): AsyncGenerator<Told, void> {
        try {
          while (!signal.aborted) {
            if (failure !== undefined) throw failure
            const items = waiting
            waiting = []
            for (const item of items) {
              yield item
              if (signal.aborted) return
            }
            if (waiting.length === 0 && failure === undefined && !signal.aborted)
              await new Promise<void>((resolve) => (wake = resolve))
          }
        } finally {
          all.delete(own)
          signal.removeEventListener('abort', woken)
        }
      }
      return given()
    },
  }
}
