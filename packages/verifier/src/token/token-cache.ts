/**
 * A cache by the whole text of the token. The lookup is by the end of the text, followed by a comparison of the whole, since V8
 * takes longer to hash a string than to compare it. The end is part of the signature, so two valid tokens do not share one by
 * chance; if two do, the later replaces the earlier.
 */
export interface TokenCache<Entry> {
  get(token: string): Entry | undefined
  set(token: string, entry: Entry): void
  delete(token: string): void
  clear(): void
  readonly size: number
}

/** Characters of the end: 72 bits, and the longest substring that V8 copies instead of referring to the whole string. */
const END = 12

/** Characters of a token of usual length; a longer one counts as several. */
const COMMON_LENGTH = 2_048

interface Kept<Entry> {
  readonly token: string
  readonly entry: Entry
  readonly weight: number
}

/**
 * A cache of at most `maxTokens` (at least 2) tokens of usual length, or fewer longer ones, in two generations: when the young one
 * holds half of them it becomes the old one, and the entries of the old one that were not used meanwhile are dropped. Nothing is
 * sorted or scanned.
 */
export function tokenCache<Entry>(maxTokens: number): TokenCache<Entry> {
  const half = Math.floor(maxTokens / 2)
  let young = new Map<string, Kept<Entry>>()
  let old = new Map<string, Kept<Entry>>()

  let weight = 0

  const keep = (end: string, kept: Kept<Entry>): void => {
    const before = young.get(end)?.weight ?? 0
    if (weight - before + kept.weight > half && young.size > 0 && before === 0) {
      old = young
      young = new Map()
      weight = 0
    }
    old.delete(end)
    young.set(end, kept)
    weight += kept.weight - before
  }

  return {
    get(token) {
      const end = token.slice(-END)
      const kept = young.get(end)
      if (kept?.token === token) return kept.entry
      const aged = old.get(end)
      if (aged?.token !== token) return undefined
      keep(end, aged)
      return aged.entry
    },
    set: (token, entry) => keep(token.slice(-END), { token, entry, weight: Math.ceil(token.length / COMMON_LENGTH) }),
    delete(token) {
      const end = token.slice(-END)
      const kept = young.get(end)
      if (kept?.token === token && young.delete(end)) weight -= kept.weight
      if (old.get(end)?.token === token) old.delete(end)
    },
    clear() {
      weight = 0
      young.clear()
      old.clear()
    },
    get size() {
      return young.size + old.size
    },
  }
}

/** A cache that is always empty. */
export const noCache = <Entry>(): TokenCache<Entry> => ({
  get: () => undefined,
  set: () => {},
  delete: () => {},
  clear: () => {},
  size: 0,
})
