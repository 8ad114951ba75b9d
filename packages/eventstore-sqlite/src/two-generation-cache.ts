/** A map of bounded weight that keeps recently used entries. */
export interface TwoGenerationCache<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
}

/**
 * A cache in two generations: when the young one reaches half the limit it becomes the old one, and the old one is dropped; an
 * entry that is used in the old one moves to the young one. Unlike a `Map` in order of use, it never iterates over deleted entries.
 *
 * @param weigh the weight of an entry; default: 1.
 */
export function createTwoGenerationCache<Value>(
  limit: number,
  weigh: (value: Value) => number = () => 1,
): TwoGenerationCache<Value> {
  let young = new Map<string, Value>()
  let old = young
  let weight = 0

  const set = (key: string, value: Value): void => {
    const before = young.get(key)
    weight += weigh(value) - (before === undefined ? 0 : weigh(before))
    young.set(key, value)
    if (weight <= limit / 2) return
    old = young
    young = new Map()
    weight = 0
  }

  return {
    get(key) {
      const value = young.get(key)
      if (value !== undefined) return value
      const aged = old.get(key)
      if (aged !== undefined) set(key, aged)
      return aged
    },
    set,
  }
}
