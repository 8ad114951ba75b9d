import type { KeyVault } from '../key-vault.ts'
import type { Sealer } from '../sealer.ts'
import { vaultSealer } from '../vault-sealer.ts'

/** A vault that forgets everything with the process. */
export function inMemoryVault(): KeyVault {
  const entries = new Map<string, Uint8Array>()
  return {
    get: async (name) => entries.get(name),
    async putIfAbsent(name, bytes) {
      const kept = entries.get(name) ?? bytes
      entries.set(name, kept)
      return kept
    },
    async destroy(name) {
      entries.delete(name)
    },
    close: async () => {},
  }
}

/** A sealer over a vault in memory. */
export const inMemorySealer = (vault: KeyVault = inMemoryVault()): Sealer => vaultSealer(vault)
