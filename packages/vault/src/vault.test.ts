import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { developmentMasterKey, ERASED, type KeyVault, type Sealed, vaultSealer } from './index.ts'
import { openSqliteVault } from './sqlite/index.ts'
import { inMemoryVault } from './testing/index.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'ledgate-vault-'))
const open: KeyVault[] = []
async function sqliteVault(file = join(folder(), 'vault.db'), masterKey: Uint8Array = Buffer.alloc(32, 7)) {
  const vault = await openSqliteVault({ file, masterKey })
  open.push(vault)
  return { vault, file }
}
afterEach(async () => {
  for (const vault of open.splice(0)) await vault.close()
})

const everyByte = (file: string) =>
  Buffer.concat(
    ['', '-wal', '-shm', '-journal']
      .map((end) => file + end)
      .filter(existsSync)
      .map((path) => readFileSync(path)),
  )

describe.each([
  ['in memory', async () => inMemoryVault()],
  ['in SQLite', async () => (await sqliteVault()).vault],
])('a vault %s', (_, make) => {
  it('gives back what it keeps, and nothing it does not', async () => {
    const vault = await make()
    await vault.putIfAbsent('a', Buffer.from('one'))
    expect(Buffer.from((await vault.get('a')) ?? []).toString()).toBe('one')
    expect(await vault.get('b')).toBeUndefined()
  })

  it('keeps the first of two, and tells both which it was', async () => {
    const vault = await make()
    const kept = await Promise.all(Array.from({ length: 32 }, () => vault.putIfAbsent('a', randomBytes(32))))
    expect(new Set(kept.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBe(1)
  })

  it('forgets what was destroyed, and takes the name again', async () => {
    const vault = await make()
    await vault.putIfAbsent('a', Buffer.from('one'))
    await vault.destroy('a')
    await vault.destroy('a')
    expect(await vault.get('a')).toBeUndefined()
    await vault.putIfAbsent('a', Buffer.from('two'))
    expect(Buffer.from((await vault.get('a')) ?? []).toString()).toBe('two')
  })
})

describe('a vault in SQLite', () => {
  it('keeps everything over a restart', async () => {
    const { vault, file } = await sqliteVault()
    await vault.putIfAbsent('a', Buffer.from('one'))
    await vault.close()
    expect(Buffer.from((await (await sqliteVault(file)).vault.get('a')) ?? []).toString()).toBe('one')
  })

  it('is shared by two that opened it at once', async () => {
    const file = join(folder(), 'vault.db')
    const [one, two] = await Promise.all([sqliteVault(file), sqliteVault(file)])
    const [first, second] = await Promise.all([
      one.vault.putIfAbsent('a', randomBytes(32)),
      two.vault.putIfAbsent('a', randomBytes(32)),
    ])
    expect(Buffer.from(first)).toEqual(Buffer.from(second))
  })

  it('refuses another master key, and says which setting is wrong', async () => {
    const { file } = await sqliteVault()
    await expect(openSqliteVault({ file, masterKey: Buffer.alloc(32, 8) })).rejects.toThrow('LEDGATE_MASTER_KEY')
  })

  it('holds nothing in the clear, and not even the wrapped bytes of what was destroyed', async () => {
    const { vault, file } = await sqliteVault()
    const secret = randomBytes(32)
    await vault.putIfAbsent('a', secret)
    await vault.putIfAbsent('b', randomBytes(32))
    const before = everyByte(file)
    expect(before.includes(secret)).toBe(false)
    expect(before.includes(Buffer.from('a'))).toBe(true)
    const reader = new (await import('better-sqlite3')).default(file, { readonly: true })
    const wrapped = reader.prepare('SELECT wrapped FROM vault WHERE name = ?').pluck().get('a') as Buffer
    reader.close()
    expect(before.includes(wrapped)).toBe(true) // the scan would find it
    await vault.destroy('a')
    expect(everyByte(file).includes(wrapped)).toBe(false)
  })
})

describe('a sealed value', () => {
  it('is read again under its key and its field, and carries nothing in the clear', async () => {
    const sealer = vaultSealer(inMemoryVault())
    const sealed = await sealer.seal(await sealer.createDataKey(), 'email', 'ada@example.com')
    expect(sealed).not.toContain('ada')
    expect(await sealer.unseal(sealed, 'email')).toBe('ada@example.com')
  })

  it('cannot be moved to another field, another person, or be changed by a bit', async () => {
    const sealer = vaultSealer(inMemoryVault())
    const [mine, other] = [await sealer.createDataKey(), await sealer.createDataKey()]
    const sealed = await sealer.seal(mine, 'email', 'ada@example.com')
    await expect(sealer.unseal(sealed, 'name')).rejects.toThrow()
    await expect(sealer.unseal(sealed.replace(mine, other) as Sealed, 'email')).rejects.toThrow()
    const flipped = sealed.slice(0, 60) + (sealed[60] === 'A' ? 'B' : 'A') + sealed.slice(61)
    await expect(sealer.unseal(flipped as Sealed, 'email')).rejects.toThrow()
  })

  it('reads as erased once its key is destroyed: here at once, elsewhere within a minute', async () => {
    const vault = inMemoryVault()
    let now = 0
    const [here, elsewhere] = [vaultSealer(vault), vaultSealer(vault, { nowMs: () => now })]
    const dataKey = await here.createDataKey()
    const sealed = await here.seal(dataKey, 'email', 'ada@example.com')
    expect(await elsewhere.unseal(sealed, 'email')).toBe('ada@example.com')
    await here.destroyDataKey(dataKey)
    expect(await here.unseal(sealed, 'email')).toBe(ERASED)
    now += 60_001
    expect(await elsewhere.unseal(sealed, 'email')).toBe(ERASED)
    await expect(here.seal(dataKey, 'email', 'x')).rejects.toThrow()
  })
})

describe('the master key of development', () => {
  it('is made once, for the owner only', () => {
    const data = join(folder(), 'data')
    const first = developmentMasterKey(data)
    expect(developmentMasterKey(data)).toEqual(first)
    expect(statSync(join(data, 'master.key')).mode & 0o777).toBe(0o600)
    expect(readdirSync(data)).toEqual(['master.key'])
  })
})
