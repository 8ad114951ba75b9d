import type { Position } from '@ledgate/eventsourcing'
import type { Announcement } from './announcement.ts'

export interface RingOptions {
  /** Notices that are kept at most. */
  readonly size: number
  /** Milliseconds for which they are kept at most. */
  readonly keepMs: number
  /** Milliseconds since the epoch. */
  now(): number
}

/** The newest notices, in the order of the log. */
export interface Ring {
  /** Begins after a place, with nothing. */
  begin(start: Position): void
  add(notice: Announcement): void
  /** The notices after a place; `undefined` when they are not kept. */
  after(place: Position): readonly Announcement[] | undefined
  /** The notice of the event at a place. */
  at(place: Position): Announcement | undefined
  /** When the first notice after a place was added, in milliseconds since the epoch. */
  since(place: Position): number | undefined
}

interface Kept {
  readonly notice: Announcement
  readonly at: number
}

/** Notices past the size or the time leave at the next one: an idle ring is as small as it was. */
export function createRing({ size, keepMs, now }: RingOptions): Ring {
  let kept: Kept[] = []
  let first = 0
  let start: string | undefined

  /** The index of the first notice after a place. */
  function indexAfter(place: string): number {
    let [low, high] = [first, kept.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((kept[middle]?.notice.position ?? '') > place) high = middle
      else low = middle + 1
    }
    return low
  }

  function forget(): void {
    const oldest = now() - keepMs
    while (kept.length - first > size || (kept[first]?.at ?? Infinity) < oldest) {
      start = kept[first]?.notice.position ?? start
      first += 1
    }
    // Many at a time, so that each of them moves once.
    if (first <= size) return
    kept = kept.slice(first)
    first = 0
  }

  return {
    begin(place) {
      kept = []
      first = 0
      start = place
    },
    add(notice) {
      kept.push({ notice, at: now() })
      forget()
    },
    after(place) {
      if (start === undefined || place < start) return undefined
      return kept.slice(indexAfter(place)).map(({ notice }) => notice)
    },
    at(place) {
      // Those of a place stand in front of those after it.
      const notice = kept[indexAfter(place) - 1]?.notice
      return notice?.position === place ? notice : undefined
    },
    since: (place) => kept[indexAfter(place)]?.at,
  }
}
