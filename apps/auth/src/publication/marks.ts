import type { TopicPlace } from './topic-place.ts'

const EVERY_MS = 60_000

/**
 * Remembers once a minute where the topic ended, to tell from which offset on it holds everything that matters: what was
 * written before, longer ago than anything matters, is not needed any more.
 *
 * @returns the offset for a place; it never falls while nothing is lost.
 */
export function marks({ now, keepMs }: { now(): number; readonly keepMs: number }): (place: TopicPlace) => bigint {
  const known: { readonly at: number; readonly offset: bigint }[] = []
  return ({ offset, since }) => {
    const last = known.at(-1)
    if (last === undefined || now() - last.at >= EVERY_MS) known.push({ at: now(), offset: offset + 1n })
    const isOld = (mark: { readonly at: number } | undefined) => mark !== undefined && now() - mark.at >= keepMs
    while (isOld(known[1])) known.shift()
    const [oldest] = known
    return oldest !== undefined && isOld(oldest) && oldest.offset > since ? oldest.offset : since
  }
}
