import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { decrypt, encrypt } from './encryption.ts'
import type { KeyVault } from './key-vault.ts'
import { DataKeyDestroyed, ERASED, type Sealed, type Sealer } from './sealer.ts'

/** The limit that `Sealer.destroyDataKey` promises: no process reads for longer after an erasure. */
const LONGEST_TTL_MS = 60_000
const DEFAULT_CACHED_KEYS = 10_000

export interface VaultSealerOptions {
  /** How long a data key is kept in memory, in milliseconds; default and limit: 60,000. */
  readonly cacheTtlMs?: number
  /** How many data keys are kept in memory; the least recently used is evicted first. Default: 10,000. */
  readonly cacheMax?: number
  /** A clock in milliseconds, of any origin. */
  readonly nowMs?: () => number
}

const nameOf = (dataKey: string) => `data-key/${dataKey}`
const contextOf = (dataKey: string, field: string) => `${dataKey}|${field}`

const SHAPE = /^sealed\.([0-9a-f]{32})\.([A-Za-z0-9_-]+)$/
const isSealed = (text: string): text is Sealed => SHAPE.test(text)

/** Parses a sealed value, which has exactly one valid encoding. */
function parse(sealed: string): { readonly dataKey: string; readonly box: Buffer } {
  const [, dataKey, text] = SHAPE.exec(sealed) ?? []
  const box = Buffer.from(text ?? '', 'base64url')
  if (dataKey === undefined || box.toString('base64url') !== text) throw new Error('not a sealed value')
  return { dataKey, box }
}

/** Caches keys for a limited time; evicts the least recently used first. As key objects, which Node need not import again. */
function createKeyCache(ttlMs: number, max: number, nowMs: () => number) {
  const entries = new Map<string, { readonly key: KeyObject; readonly until: number }>()
  const keep = (dataKey: string, entry: { readonly key: KeyObject; readonly until: number }) => {
    entries.delete(dataKey)
    entries.set(dataKey, entry)
    if (entries.size > max) for (const oldest of entries.keys()) return void entries.delete(oldest)
  }
  return {
    get(dataKey: string): KeyObject | undefined {
      const entry = entries.get(dataKey)
      if (entry === undefined || entry.until <= nowMs()) return undefined
      keep(dataKey, entry)
      return entry.key
    },
    put: (dataKey: string, key: KeyObject) => keep(dataKey, { key, until: nowMs() + ttlMs }),
    delete: (dataKey: string) => void entries.delete(dataKey),
  }
}

/** Seals with data keys of a vault; used keys stay in memory for at most a minute. */
export function vaultSealer(vault: KeyVault, options: VaultSealerOptions = {}): Sealer {
  const { cacheTtlMs = LONGEST_TTL_MS, cacheMax = DEFAULT_CACHED_KEYS, nowMs = Date.now } = options
  const cache = createKeyCache(Math.min(cacheTtlMs, LONGEST_TTL_MS), cacheMax, nowMs)
  let destroyed = 0

  async function keyOf(dataKey: string): Promise<KeyObject | undefined> {
    const cached = cache.get(dataKey)
    if (cached !== undefined) return cached
    const before = destroyed
    const bytes = await vault.get(nameOf(dataKey))
    const key = bytes && createSecretKey(bytes)
    // A read that overlaps a destruction may have seen the key before it: do not cache it.
    if (key !== undefined && before === destroyed) cache.put(dataKey, key)
    return key
  }

  const forget = (dataKey: string) => {
    destroyed += 1
    cache.delete(dataKey)
  }

  return {
    async createDataKey() {
      const dataKey = randomBytes(16).toString('hex')
      cache.put(dataKey, createSecretKey(await vault.putIfAbsent(nameOf(dataKey), randomBytes(32))))
      return dataKey
    },

    async seal(dataKey, field, plaintext) {
      const key = await keyOf(dataKey)
      if (key === undefined) throw new DataKeyDestroyed()
      const box = encrypt(key, Buffer.from(plaintext), contextOf(dataKey, field))
      const sealed = `sealed.${dataKey}.${box.toString('base64url')}`
      if (!isSealed(sealed)) throw new TypeError('a data key must be 32 hexadecimal digits')
      return sealed
    },

    async unseal(sealed, field) {
      const { dataKey, box } = parse(sealed)
      const key = await keyOf(dataKey)
      return key === undefined ? ERASED : decrypt(key, box, contextOf(dataKey, field)).toString()
    },

    async destroyDataKey(dataKey) {
      forget(dataKey)
      await vault.destroy(nameOf(dataKey))
      forget(dataKey)
    },
  }
}
