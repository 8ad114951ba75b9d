import { randomBytes } from 'node:crypto'
import type { KeyVault } from './key-vault.ts'
import { ERASED, type Sealed, type Sealer } from './sealer.ts'
import { decrypt, encrypt } from './sealing.ts'

/** Other processes go on reading for at most this long after a data key was destroyed here. */
const CACHE_MS = 60_000
const CACHED_KEYS = 10_000

export interface VaultSealerOptions {
  /** Milliseconds; any origin. */
  readonly nowMs?: () => number
}

const nameOf = (dataKey: string) => `data-key/${dataKey}`
const SHAPE = /^sealed\.([0-9a-f]{32})\.([A-Za-z0-9_-]+)$/

/** Seals under data keys of a vault; keys in use are kept in memory for a minute. */
export function vaultSealer(vault: KeyVault, { nowMs = Date.now }: VaultSealerOptions = {}): Sealer {
  const cache = new Map<string, { readonly key: Uint8Array; readonly until: number }>()

  function remember(dataKey: string, key: Uint8Array): void {
    cache.delete(dataKey)
    cache.set(dataKey, { key, until: nowMs() + CACHE_MS })
    if (cache.size <= CACHED_KEYS) return
    for (const oldest of cache.keys()) {
      cache.delete(oldest)
      return
    }
  }

  async function keyOf(dataKey: string): Promise<Uint8Array | undefined> {
    const cached = cache.get(dataKey)
    if (cached !== undefined && cached.until > nowMs()) return cached.key
    const key = await vault.get(nameOf(dataKey))
    if (key === undefined) cache.delete(dataKey)
    else remember(dataKey, key)
    return key
  }

  return {
    async createDataKey() {
      const dataKey = randomBytes(16).toString('hex')
      remember(dataKey, await vault.putIfAbsent(nameOf(dataKey), randomBytes(32)))
      return dataKey
    },

    async seal(dataKey, field, plaintext) {
      const key = await keyOf(dataKey)
      if (key === undefined) throw new Error('the data key does not exist')
      const box = encrypt(key, Buffer.from(plaintext), `${dataKey}|${field}`)
      return `sealed.${dataKey}.${box.toString('base64url')}` as Sealed
    },

    async unseal(sealed, field) {
      const [, dataKey, box] = SHAPE.exec(sealed) ?? []
      if (dataKey === undefined || box === undefined) throw new Error('not a sealed value')
      const key = await keyOf(dataKey)
      if (key === undefined) return ERASED
      return decrypt(key, Buffer.from(box, 'base64url'), `${dataKey}|${field}`).toString()
    },

    async destroyDataKey(dataKey) {
      cache.delete(dataKey)
      await vault.destroy(nameOf(dataKey))
      cache.delete(dataKey) // a read that began before may have put it back
    },
  }
}
