import type { Key } from './events.ts'

/** Keys that were superseded and are still needed. A rotation each month leaves fourteen of the keys that are kept the longest. */
export const MAX_SUPERSEDED = 40

/** Ended keys that are still shown, and say that to compromise them again changes nothing. */
export const SHOWN_ENDED = 16

/**
 * Ended keys whose secret the vault would not destroy, at most. Further ones are forgotten with it: nothing believes them any more,
 * and whatever has to be ended next must fit into an event.
 */
export const MAX_ENDED = 64

/** Whether nothing is made or checked with the key any more. */
export const isEnded = ({ status }: Pick<Key, 'status'>): boolean => status === 'retired' || status === 'compromised'

/** The public part is no longer needed, and is most of an entry. */
function withoutPublicKey({ public_jwk: _, ...key }: Key): Key {
  return key
}

/** The ended keys, the newest end first. */
const endedOf = (keys: readonly Key[]): Key[] =>
  keys.filter(isEnded).toSorted((one, other) => (other.retired_at ?? 0) - (one.retired_at ?? 0))

/**
 * The keys that the next event carries: all that live, and of those that ended the newest, and those whose secret is still to be
 * destroyed, which is found by its entry. The log remembers the others.
 */
export function createKeyMemory(keys: readonly Key[], destroyed: readonly string[]): Key[] {
  const ended = endedOf(keys)
  const kept = new Set(
    ended.filter(({ kid }, index) => index < SHOWN_ENDED || !destroyed.includes(kid)).slice(0, MAX_ENDED),
  )
  return keys.filter((key) => !isEnded(key) || kept.has(key)).map((key) => (isEnded(key) ? withoutPublicKey(key) : key))
}
