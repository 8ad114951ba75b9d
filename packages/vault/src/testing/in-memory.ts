import type { KeyVault } from '../key-vault.ts'
import type { Sealer } from '../sealer.ts'
import { vaultSealer } from '../sealing.ts'

/** A vault that forgets everything with the process. */
export function inMemoryVault(): KeyVault {
  const entries = new Map<string, Uint8Array>()
  const copy = (bytes: Uint8Array | undefined) => bytes && Uint8Array.from(bytes)
  return {
    get: async (name) => copy(entries.get(name)),
    async putIfAbsent(name, bytes) {
      const kept = entries.get(name) ?? Uint8Array.from(bytes)
      entries.set(name, kept)
      return Uint8Array.from(kept)
    },
    async destroy(name) {
      entries.delete(name)
    },
    rewrap: async () => 0,
    close: async () => {},
  }
}

/** A sealer over a vault in memory. */
export const inMemorySealer = (vault: KeyVault = inMemoryVault()): Sealer => vaultSealer(vault)
