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
   * @returns whether it was not seen before; `false` also when the store cannot remember it.
   */
  add(proof: string, expiresAt: number): boolean | Promise<boolean>
}

export interface MemoryReplayStoreOptions {
  /** How many proofs are remembered at once; 200,000 unless told. */
  readonly maxProofs?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

const DEFAULT_MAX_PROOFS = 200_000

/**
 * A replay store of this process. It never forgets a proof that could still be used: when it is full, it forgets those that
 * expire first, and from then on takes nothing that expires as early. A flood makes proofs short-lived, never reusable.
 *
 * @throws {TypeError} for one that is to remember nothing, or without end.
 */
export function memoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  const { maxProofs = DEFAULT_MAX_PROOFS, now = Date.now } = options
  if (!Number.isSafeInteger(maxProofs) || maxProofs < 1) throw new TypeError('maxProofs must be a whole number from 1')
  const seen = new Set<string>()
  const expiring = new Map<number, string[]>()
  /** What expires by then is forgotten, so it is not taken again. */
  let forgotten = -Infinity

  function forget(second: number): void {
    for (const proof of expiring.get(second) ?? []) seen.delete(proof)
    expiring.delete(second)
    forgotten = Math.max(forgotten, second)
  }

  function forgetBefore(second: number): void {
    if (forgotten >= second - 1) return
    for (const expired of [...expiring.keys()].filter((key) => key < second)) forget(expired)
    forgotten = second - 1
  }

  return {
    add(proof, expiresAt) {
      forgetBefore(Math.floor(now() / 1000))
      if (seen.has(proof) || expiresAt <= forgotten) return false
      if (seen.size >= maxProofs) forget(Math.min(...expiring.keys()))
      if (expiresAt <= forgotten) return false
      seen.add(proof)
      const others = expiring.get(expiresAt)
      if (others) others.push(proof)
      else expiring.set(expiresAt, [proof])
      return true
    },
  }
}
