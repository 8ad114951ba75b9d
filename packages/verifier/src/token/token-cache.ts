/**
 * What was found out about tokens, by the whole text of the token: two that differ in one character have nothing in common.
 * It is looked up by the end of the text and then compared in whole, for V8 takes longer to hash a text than to compare it. The
 * end is of a signature, so no two good tokens share one by chance; if two do, the later displaces the earlier.
 */
export interface TokenCache<Entry> {
  get(token: string): Entry | undefined
  set(token: string, entry: Entry): void
  delete(token: string): void
  clear(): void
  readonly size: number
}

/** Characters of the end: 72 bits, and the longest text that V8 copies and does not make a view of another one. */
const END = 12

/** Characters of a token of common length; a longer one counts for several. */
const COMMON_LENGTH = 2_048

interface Kept<Entry> {
  readonly token: string
  readonly entry: Entry
  readonly weight: number
}

/**
 * Keeps at most `maxTokens` (from 2) of common length, fewer of longer ones, in two generations: when the young one holds half of them it becomes the old one, and what
 * was old is forgotten, unless it was asked for meanwhile. So nothing is sorted and nothing scanned.
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

/** Keeps nothing. */
export const noCache = <Entry>(): TokenCache<Entry> => ({
  get: () => undefined,
  set: () => {},
  delete: () => {},
  clear: () => {},
  size: 0,
})
