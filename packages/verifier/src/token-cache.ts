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

interface Kept<Entry> {
  readonly token: string
  readonly entry: Entry
}

/**
 * Keeps at most `maxTokens` (from 2), in two generations: when the young one holds half of them it becomes the old one, and what
 * was old is forgotten, unless it was asked for meanwhile. So nothing is sorted and nothing scanned.
 */
export function tokenCache<Entry>(maxTokens: number): TokenCache<Entry> {
  const half = Math.floor(maxTokens / 2)
  let young = new Map<string, Kept<Entry>>()
  let old = new Map<string, Kept<Entry>>()

  const keep = (end: string, kept: Kept<Entry>): void => {
    if (young.size >= half && !young.has(end)) {
      old = young
      young = new Map()
    }
    old.delete(end)
    young.set(end, kept)
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
    set: (token, entry) => keep(token.slice(-END), { token, entry }),
    delete(token) {
      const end = token.slice(-END)
      for (const generation of [young, old]) if (generation.get(end)?.token === token) generation.delete(end)
    },
    clear() {
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
