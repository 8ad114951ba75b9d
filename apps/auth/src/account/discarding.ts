import type { Sealer } from '@ledgate/vault'

/** Destroys data keys that were made for nothing, behind the answer: whether one was must not be seen in its time. */
export interface Discarding {
  later(dataKey: string): void
  /** Resolves when all of them are gone. */
  settled(): Promise<void>
}

export function discarding(sealer: Pick<Sealer, 'destroyDataKey'>): Discarding {
  const pending = new Set<Promise<void>>()
  return {
    later(dataKey) {
      const destroyed = sealer
        .destroyDataKey(dataKey)
        .catch(() => {}) // 32 random bytes stay that nothing is sealed under
        .finally(() => pending.delete(destroyed))
      pending.add(destroyed)
    },
    async settled() {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}
