import { PositionExpired } from './position-expired.ts'
import { TooSlow } from './too-slow.ts'
import type { Announcement } from './announcement.ts'

/** The readers of the feed, each at its own pace. */
export interface Listeners {
  tell(item: Announcement): void
  size(): number
  /** Ends all of them: what they were told may not be true for those who hear it later. */
  cut(): void
  /** What is given first, then everything that is told from this moment on, until the signal. @throws {PositionExpired | TooSlow} */
  listen(first: readonly Announcement[], signal: AbortSignal): AsyncGenerator<Announcement, void>
}

/** @param most items that wait for one listener, beside those it began with. */
export function createListeners(most: number): Listeners {
  const all = new Set<{ tell(item: Announcement): void; end(error: Error): void }>()

  return {
    tell(item) {
      for (const each of all) each.tell(item)
    },
    size: () => all.size,
    cut() {
      for (const each of [...all]) each.end(new PositionExpired())
    },
    listen(first, signal) {
      let waiting = [...first]
      let failure: Error | undefined
      let wake = (): void => undefined
      const own = {
        tell(item: Announcement) {
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

      async function* given(): AsyncGenerator<Announcement, void> {
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
