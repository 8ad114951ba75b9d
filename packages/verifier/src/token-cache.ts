/**
 * What was found out about tokens, by the whole text of the token: two that differ in one character have nothing in common.
 * The text itself is the key, and not a digest of it: exact, and faster than hashing, for V8 keeps the hash of a string.
 */
export interface TokenCache<Entry> {
  get(token: string): Entry | undefined
  set(token: string, entry: Entry): void
  delete(token: string): void
  clear(): void
  readonly size: number
}

/**
 * Keeps at most `maxTokens` (from 2), in two generations: when the young one holds half of them it becomes the old one, and what was
 * old is forgotten, unless it was asked for meanwhile. So nothing is sorted and nothing scanned.
 */
export function tokenCache<Entry>(maxTokens: number): TokenCache<Entry> {
  const half = Math.floor(maxTokens / 2)
  let young = new Map<string, Entry>()
  let old = new Map<string, Entry>()

  const set = (token: string, entry: Entry): void => {
    if (young.size >= half && !young.has(token)) {
      old = young
      young = new Map()
    }
    old.delete(token)
    young.set(token, entry)
  }

  return {
    get(token) {
      const entry = young.get(token)
      if (entry !== undefined) return entry
      const aged = old.get(token)
      if (aged !== undefined) set(token, aged)
      return aged
    },
    set,
    delete(token) {
      young.delete(token)
      old.delete(token)
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
