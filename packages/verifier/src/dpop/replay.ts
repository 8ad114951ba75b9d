/**
 * Stores which proofs were used. Processes behind one URL share a store, so that a proof is accepted by only one of them.
 */
export interface ReplayStore {
  /**
   * Adds a proof atomically, until it has expired. A rejection answers the request with 503.
   *
   * @param proof a SHA-256 in base64url, of the key and the `jti`.
   * @param expiresAt whole seconds since the epoch.
   * @param jkt the thumbprint of its key, for stores that give each key a share.
   * @returns whether it was not used before; `false` also if the store has no room for it.
   */
  add(proof: string, expiresAt: number, jkt?: string): boolean | Promise<boolean>
  /**
   * Whether it was refused for lack of room: the store no longer knows whether a proof of this key that expires then was used. Its
   * client then gets a fresh nonce.
   */
  forgot?(expiresAt: number, jkt: string): boolean | Promise<boolean>
}

export interface MemoryReplayStoreOptions {
  /** How many proofs are stored at once. Default: 200,000. One key has at most a tenth of them. */
  readonly maxProofs?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

const DEFAULT_MAX_PROOFS = 200_000
/** The share of one key is this part of the store. */
const SHARES = 10

/** The stored proofs of one key. */
interface Remembered {
  readonly seen: Set<string>
  readonly expiring: Map<number, string[]>
  /** Proofs that expire up to then were dropped, so none of them is accepted again. */
  forgotten: number
}

/**
 * Creates a replay store in the memory of this process. No proof is ever accepted twice: when a key has filled its share, its proofs
 * that expire first are dropped, and from then on none of its proofs that expire as early is accepted. A flood of proofs therefore
 * shortens the lifetime of the proofs of its own key, and of no other. When many keys together have filled the store, the keys that
 * were there longest make room in the same way.
 *
 * @throws {TypeError} if `maxProofs` is not a positive integer.
 * @example
 * ```ts
 * import { dpop, memoryReplayStore } from '@ledgate/verifier/dpop'
 *
 * export const checker = dpop({ replays: memoryReplayStore({ maxProofs: 50_000 }) })
 * ```
 */
export function memoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  const { maxProofs = DEFAULT_MAX_PROOFS, now = Date.now } = options
  if (!Number.isSafeInteger(maxProofs) || maxProofs < 1)
    throw new TypeError('maxProofs must be an integer of at least 1')
  const share = Math.ceil(maxProofs / SHARES)
  /** In the order in which they came, or last made room. */
  const keys = new Map<string, Remembered>()
  let size = 0
  /** Like that of a key, for the keys that were removed. */
  let forgottenOfAll = -Infinity
  let sweptAt = -Infinity

  function forget(own: Remembered, second: number): void {
    const proofs = own.expiring.get(second) ?? []
    for (const proof of proofs) own.seen.delete(proof)
    size -= proofs.length
    own.expiring.delete(second)
    own.forgotten = Math.max(own.forgotten, second)
  }

  /** Makes room with the proofs of one key that expire first. */
  function evict(jkt: string, own: Remembered): void {
    keys.delete(jkt)
    if (own.seen.size === 0) {
      forgottenOfAll = Math.max(forgottenOfAll, own.forgotten)
      return
    }
    forget(own, Math.min(...own.expiring.keys()))
    keys.set(jkt, own)
  }

  /** Once a second: removes expired proofs, and keys without proofs. */
  function sweep(second: number): void {
    if (sweptAt >= second) return
    sweptAt = second
    for (const [jkt, own] of keys) {
      for (const expired of own.expiring.keys()) if (expired < second) forget(own, expired)
      if (own.seen.size === 0 && own.forgotten < second) keys.delete(jkt)
    }
  }

  function remembered(jkt: string): Remembered {
    const known = keys.get(jkt)
    if (known !== undefined) return known
    const own = { seen: new Set<string>(), expiring: new Map<number, string[]>(), forgotten: -Infinity }
    keys.set(jkt, own)
    return own
  }

  function makeRoom(jkt: string, own: Remembered): void {
    if (own.seen.size >= (jkt === '' ? maxProofs : share)) evict(jkt, own)
    while (size >= maxProofs || keys.size > maxProofs) {
      const [longest] = keys
      if (longest === undefined) return
      evict(...longest)
    }
  }

  const isForgotten = (expiresAt: number, own: Remembered | undefined, second: number): boolean =>
    expiresAt < second || expiresAt <= Math.max(forgottenOfAll, own?.forgotten ?? -Infinity)

  return {
    add(proof, expiresAt, jkt = '') {
      const second = Math.floor(now() / 1000)
      sweep(second)
      const own = remembered(jkt)
      if (own.seen.has(proof) || isForgotten(expiresAt, own, second)) return false
      makeRoom(jkt, own)
      if (isForgotten(expiresAt, own, second)) return false
      own.seen.add(proof)
      size += 1
      const others = own.expiring.get(expiresAt)
      if (others) others.push(proof)
      else own.expiring.set(expiresAt, [proof])
      // The key itself may have been removed to make room.
      keys.set(jkt, own)
      return true
    },
    forgot: (expiresAt, jkt) => isForgotten(expiresAt, keys.get(jkt), Math.floor(now() / 1000)),
  }
}
