import type { Link, LogPosition } from '../statement/index.ts'

/** What a heartbeat says about the notice before it. */
export type Closing = Pick<Link, 'predecessor'> & { readonly through: LogPosition }

/**
 * Up to which position of the log every notice that still matters was received, by what the issuer signed: each notice and heartbeat
 * names the notice before it, so a reader detects one that was withheld on the way.
 */
export interface Contiguity {
  /** Takes in a notice, in any order and any number of times. */
  notice(link: Link): void
  /** Takes in a heartbeat. @returns whether everything before it is known; if not, there is a gap. */
  heartbeat(closing: Closing): boolean
  /** Everything up to here is known, from a complete snapshot. */
  whole(through: LogPosition): void
  /** Forgets everything, since the log is another one. */
  reset(): void
}

/** The most sets that are tracked; several publishers may write to a topic at once. */
const MOST_SETS = 16
/** The most notices that are tracked while an earlier one is missing; more are a gap until a set or a snapshot covers them. */
const MOST_EARLY = 256

/** Nothing is known yet. */
export function contiguity(): Contiguity {
  let known: LogPosition = ''
  /** The last position of each incomplete set, by the position up to which the set goes. */
  const sets = new Map<LogPosition, LogPosition>()

  /** Notices that came early, and the one that each waits for. */
  const early = new Map<LogPosition, LogPosition>()

  function reach(position: LogPosition): void {
    if (position <= known) return
    known = position
    for (const [next, predecessor] of early) {
      if (predecessor > known) continue
      early.delete(next)
      reach(next)
    }
  }

  function wait(position: LogPosition, predecessor: LogPosition): void {
    if (early.size < MOST_EARLY) early.set(position, predecessor)
  }

  function partOfSet(set: LogPosition, predecessor: LogPosition, position: LogPosition): void {
    const came = sets.get(set)
    if (predecessor > known && (came === undefined || predecessor > came)) return
    sets.delete(set)
    sets.set(set, came !== undefined && came > position ? came : position)
    const [oldest] = sets.keys()
    if (sets.size > MOST_SETS && oldest !== undefined) sets.delete(oldest)
  }

  return {
    notice({ position, predecessor, set }) {
      // An older issuer does not say it, so its notices count as contiguous.
      if (predecessor === undefined) reach(position)
      else if (set !== undefined) partOfSet(set, predecessor, position)
      else if (predecessor <= known) reach(position)
      else wait(position, predecessor)
    },
    heartbeat({ through, predecessor }) {
      const came = sets.get(through)
      const isKnown = predecessor === undefined || predecessor <= known || (came !== undefined && predecessor <= came)
      if (isKnown) reach(through)
      return isKnown
    },
    whole: reach,
    reset() {
      known = ''
      sets.clear()
      early.clear()
    },
  }
}
