/**
 * Remembers which proofs were seen. Services that stand behind one address share one, so that a proof is good for one of them
 * only.
 */
export interface ReplayStore {
  /**
   * Remembers a proof, in one step, until it could not be used any more. A rejection answers the request with 503.
   *
   * @param proof a SHA-256 in base64url, of the key and the `jti`.
   * @param expiresAt whole seconds since the epoch.
   * @param jkt the thumbprint of its key, for whoever shares out their room.
   * @returns whether it was not seen before; `false` also when the store cannot remember it.
   */
  add(proof: string, expiresAt: number, jkt?: string): boolean | Promise<boolean>
  /**
   * Whether it was not taken for want of room: nobody can tell any more whether a proof of this key that expires then was seen. Its client
   * is then given a nonce of now.
   */
  forgot?(expiresAt: number, jkt: string): boolean | Promise<boolean>
}

export interface MemoryReplayStoreOptions {
  /** How many proofs are remembered at once; 200,000 unless told. One key has a tenth of them at most. */
  readonly maxProofs?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

const DEFAULT_MAX_PROOFS = 200_000
/** Of how many keys each may fill its share. */
const SHARES = 10

/** What is remembered of one key. */
interface Remembered {
  readonly seen: Set<string>
  readonly expiring: Map<number, string[]>
  /** What expires by then is forgotten, so it is not taken again. */
  forgotten: number
}

/**
 * A replay store of this process. It never forgets a proof that could still be used: when a key has filled its share, its
 * proofs that expire first are forgotten, and from then on nothing of it is taken that expires as early. A flood makes the proofs of its
 * own key short-lived, never reusable, and those of no other. When many keys together have filled it, those that were there longest give way
 * in the same way.
 *
 * @throws {TypeError} for one that is to remember nothing, or without end.
 */
export function memoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  const { maxProofs = DEFAULT_MAX_PROOFS, now = Date.now } = options
  if (!Number.isSafeInteger(maxProofs) || maxProofs < 1) throw new TypeError('maxProofs must be a whole number from 1')
  const share = Math.ceil(maxProofs / SHARES)
  /** In the order in which they came, or last gave way. */
  const keys = new Map<string, Remembered>()
  let size = 0
  /** As that of a key, for keys of which nothing else is known any more. */
  let forgottenOfAll = -Infinity
  let sweptAt = -Infinity

  function forget(own: Remembered, second: number): void {
    const proofs = own.expiring.get(second) ?? []
    for (const proof of proofs) own.seen.delete(proof)
    size -= proofs.length
    own.expiring.delete(second)
    own.forgotten = Math.max(own.forgotten, second)
  }

  /** Makes room by what one key expires first. */
  function giveWay(jkt: string, own: Remembered): void {
    keys.delete(jkt)
    if (own.seen.size === 0) {
      forgottenOfAll = Math.max(forgottenOfAll, own.forgotten)
      return
    }
    forget(own, Math.min(...own.expiring.keys()))
    keys.set(jkt, own)
  }

  /** Once a second: what has expired, and the keys of which nothing is left. */
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
    if (own.seen.size >= (jkt === '' ? maxProofs : share)) giveWay(jkt, own)
    while (size >= maxProofs || keys.size > maxProofs) {
      const [longest] = keys
      if (longest === undefined) return
      giveWay(...longest)
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
      // It may have given way itself, with nothing to give.
      keys.set(jkt, own)
      return true
    },
    forgot: (expiresAt, jkt) => isForgotten(expiresAt, keys.get(jkt), Math.floor(now() / 1000)),
  }
}
