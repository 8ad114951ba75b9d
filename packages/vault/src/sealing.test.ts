import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DataKeyDestroyed, ERASED, type KeyVault, type Sealed, vaultSealer } from './index.ts'
import { inMemorySealer, inMemoryVault } from './testing/index.ts'

/** A vault that counts how often it is read. */
function countingVault() {
  const vault = inMemoryVault()
  const seen = { reads: 0 }
  const counting: KeyVault = { ...vault, get: (name) => ((seen.reads += 1), vault.get(name)) }
  return { vault: counting, seen }
}

describe('a sealed value', () => {
  it('can be unsealed with its key and field, for any text', async () => {
    const seals = inMemorySealer()
    const dataKey = await seals.createDataKey()
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.string(), async (text, field) => {
        expect(await seals.unseal(await seals.seal(dataKey, field, text), field)).toBe(text)
      }),
    )
  })

  it('differs each time, and contains no plaintext', async () => {
    const seals = inMemorySealer()
    const dataKey = await seals.createDataKey()
    const made = await Promise.all(Array.from({ length: 200 }, () => seals.seal(dataKey, 'email', 'ada@example.com')))
    expect(new Set(made).size).toBe(200)
    // Long enough that no random bytes look like it: three letters are among so many characters now and then.
    const forms = ['utf8', 'hex', 'base64url'] as const
    for (const sealed of made) {
      const bytes = Buffer.from(sealed.split('.')[2] ?? '', 'base64url')
      expect(bytes.includes('ada@example.com')).toBe(false)
      for (const form of forms) expect(sealed).not.toContain(Buffer.from('ada@example').toString(form).slice(0, 12))
    }
  })

  it('cannot be moved to another field or user', async () => {
    const seals = inMemorySealer()
    const [mine, other] = [await seals.createDataKey(), await seals.createDataKey()]
    const sealed = await seals.seal(mine, 'email', 'ada@example.com')
    await expect(seals.unseal(sealed, 'name')).rejects.toThrow()
    await expect(seals.unseal(sealed.replace(mine, other) as Sealed, 'email')).rejects.toThrow()
  })

  it('is refused when a character is changed, removed or added', async () => {
    const seals = inMemorySealer()
    const sealed = await seals.seal(await seals.createDataKey(), 'email', 'ada@example.com')
    const start = sealed.lastIndexOf('.') + 1
    for (let index = start; index < sealed.length; index += 1)
      for (const other of 'AQgw_z') {
        if (sealed[index] === other) continue
        const changed = `${sealed.slice(0, index)}${other}${sealed.slice(index + 1)}`
        await expect(seals.unseal(changed as Sealed, 'email')).rejects.toThrow()
        await expect(seals.unseal(sealed.slice(0, index) as Sealed, 'email')).rejects.toThrow()
      }
    await expect(seals.unseal(`${sealed}A` as Sealed, 'email')).rejects.toThrow()
    await expect(seals.unseal('ada@example.com' as Sealed, 'email')).rejects.toThrow('not a sealed value')
  })

  it('has a data key id of 128 random bits', async () => {
    const seals = inMemorySealer()
    const ids = await Promise.all(Array.from({ length: 200 }, () => seals.createDataKey()))
    expect(new Set(ids).size).toBe(200)
    expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true)
  })
})

describe('a destroyed data key', () => {
  it('reads as erased: in its process at once, in others once their cached key has expired within a minute', async () => {
    const vault = inMemoryVault()
    let now = 0
    const [here, elsewhere] = [vaultSealer(vault), vaultSealer(vault, { nowMs: () => now })]
    const dataKey = await here.createDataKey()
    const sealed = await here.seal(dataKey, 'email', 'ada@example.com')
    expect(await elsewhere.unseal(sealed, 'email')).toBe('ada@example.com')
    await here.destroyDataKey(dataKey)
    expect(await here.unseal(sealed, 'email')).toBe(ERASED)
    now = 30_000
    expect(await elsewhere.unseal(sealed, 'email')).toBe('ada@example.com') // a use does not make it stay longer
    now = 60_000
    expect(await elsewhere.unseal(sealed, 'email')).toBe(ERASED)
    await expect(here.seal(dataKey, 'email', 'x')).rejects.toThrow(DataKeyDestroyed)
  })

  it('is not cached by a read that started before its destruction', async () => {
    const memory = inMemoryVault()
    const held: (() => void)[] = []
    const slow: KeyVault = {
      ...memory,
      async get(name) {
        const bytes = await memory.get(name)
        if (held.length === 0) await new Promise<void>((resolve) => void held.push(resolve))
        return bytes
      },
    }
    const dataKey = await vaultSealer(memory).createDataKey()
    const sealed = await vaultSealer(memory).seal(dataKey, 'email', 'ada@example.com')
    const seals = vaultSealer(slow)
    const late = seals.unseal(sealed, 'email')
    await new Promise(setImmediate)
    await seals.destroyDataKey(dataKey)
    held[0]?.()
    await late
    expect(await seals.unseal(sealed, 'email')).toBe(ERASED)
  })
})

describe('the data keys in memory', () => {
  it('are the most recently used ones, up to the configured number', async () => {
    const { vault, seen } = countingVault()
    const seals = vaultSealer(vault, { cacheMax: 2 })
    const [a, b] = [await seals.createDataKey(), await seals.createDataKey()]
    await seals.seal(a, 'email', 'x')
    await seals.createDataKey() // the third: b was used least
    await seals.seal(a, 'email', 'x')
    expect(seen.reads).toBe(0)
    await seals.seal(b, 'email', 'x')
    expect(seen.reads).toBe(1)
  })

  it('stay for at most a minute, even if a longer time is configured', async () => {
    const { vault, seen } = countingVault()
    let now = 0
    const seals = vaultSealer(vault, { cacheTtlMs: 3_600_000, nowMs: () => now })
    const dataKey = await seals.createDataKey()
    now = 59_999
    await seals.seal(dataKey, 'email', 'x')
    expect(seen.reads).toBe(0)
    now = 60_000
    await seals.seal(dataKey, 'email', 'x')
    expect(seen.reads).toBe(1)
  })
})
