import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import type { KeyVault } from '../index.ts'
import { inMemoryVault } from '../testing/index.ts'
import { openSqliteVault } from './index.ts'
import { findByName } from './schema.ts'

const open: KeyVault[] = []
const newFile = () => join(mkdtempSync(join(tmpdir(), 'ledgate-vault-')), 'vault.db')
async function sqliteVault(file = newFile(), masterKey: Uint8Array = Buffer.alloc(32, 7)) {
  const vault = await openSqliteVault({ file, masterKey })
  open.push(vault)
  return { vault, file }
}
afterEach(async () => {
  for (const vault of open.splice(0)) await vault.close().catch(() => {})
})

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

/** Every byte of every file of the vault. */
const everyByte = (file: string) =>
  Buffer.concat(
    ['', '-wal', '-shm', '-journal']
      .map((end) => file + end)
      .filter(existsSync)
      .map((path) => readFileSync(path)),
  )

function wrappedBytes(file: string, name: string): Buffer {
  const reader = new Sqlite(file, { readonly: true })
  try {
    return reader.prepare(findByName).pluck().get(name) as Buffer
  } finally {
    reader.close()
  }
}

/** Whether any 8 bytes of it, at any multiple of 8, are still there. */
function traceOf(bytes: Buffer, everything: Buffer): boolean {
  for (let start = 0; start + 8 <= bytes.length; start += 8)
    if (everything.includes(bytes.subarray(start, start + 8))) return true
  return false
}

describe.each([
  ['in memory', async () => inMemoryVault()],
  ['in SQLite', async () => (await sqliteVault()).vault],
])('a vault %s', (_, make) => {
  it('returns stored bytes, and `undefined` for unknown names', async () => {
    const vault = await make()
    expect(hex(await vault.putIfAbsent('a', Buffer.from('one')))).toBe(hex(Buffer.from('one')))
    expect(hex(await vault.get('a'))).toBe(hex(Buffer.from('one')))
    expect(await vault.get('b')).toBeUndefined()
  })

  it('keeps the first of many concurrent values, and returns it to all callers', async () => {
    const vault = await make()
    const kept = await Promise.all(Array.from({ length: 32 }, () => vault.putIfAbsent('a', randomBytes(32))))
    expect(new Set(kept.map(hex)).size).toBe(1)
    expect(hex(await vault.get('a'))).toBe(hex(kept[0]))
  })

  it('forgets a destroyed value, and allows its name to be reused', async () => {
    const vault = await make()
    await vault.putIfAbsent('a', Buffer.from('one'))
    await vault.destroy('a')
    await vault.destroy('a')
    expect(await vault.get('a')).toBeUndefined()
    await vault.putIfAbsent('a', Buffer.from('two'))
    expect(hex(await vault.get('a'))).toBe(hex(Buffer.from('two')))
  })
})

describe('a vault in SQLite', () => {
  it('keeps its values over a restart', async () => {
    const { vault, file } = await sqliteVault()
    await vault.putIfAbsent('a', Buffer.from('one'))
    await vault.close()
    expect(hex(await (await sqliteVault(file)).vault.get('a'))).toBe(hex(Buffer.from('one')))
  })

  it('has files that only the owner can read', async () => {
    const { vault, file } = await sqliteVault()
    await vault.putIfAbsent('a', Buffer.from('one'))
    for (const end of ['', '-wal']) expect(statSync(file + end).mode & 0o777).toBe(0o600)
  })

  it('can be opened by two processes at once, which agree on every name', async () => {
    // Without retries one of some five hundred such pairs failed because the file was locked.
    for (let round = 0; round < rounds({ quick: 8, long: 100 }); round += 1) {
      const file = newFile()
      const [one, two] = await Promise.all([sqliteVault(file), sqliteVault(file)])
      const names = Array.from({ length: 16 }, (_, index) => `key-${index}`)
      const put = (vault: KeyVault) => Promise.all(names.map((name) => vault.putIfAbsent(name, randomBytes(32))))
      const [first, second] = await Promise.all([put(one.vault), put(two.vault)])
      expect(first.map(hex)).toEqual(second.map(hex))
      expect(await Promise.all(names.map(async (name) => hex(await two.vault.get(name))))).toEqual(first.map(hex))
    }
  })

  it('does not return a value that another process destroyed', async () => {
    const { vault: here, file } = await sqliteVault()
    const { vault: elsewhere } = await sqliteVault(file)
    await here.putIfAbsent('a', Buffer.from('one'))
    expect(await elsewhere.get('a')).toBeDefined()
    await here.destroy('a')
    expect(await elsewhere.get('a')).toBeUndefined()
  })

  it('refuses a different master key, and names the setting', async () => {
    const { file } = await sqliteVault()
    const wrong = openSqliteVault({ file, masterKey: Buffer.alloc(32, 8) })
    await expect(wrong).rejects.toThrow('LEDGATE_MASTER_KEY')
  })

  it('reports a file that cannot be opened without naming the master key', async () => {
    const file = newFile()
    mkdirSync(file)
    await expect(openSqliteVault({ file, masterKey: Buffer.alloc(32, 7) })).rejects.not.toThrow('LEDGATE_MASTER_KEY')
  })

  it('refuses bytes that were moved to another name', async () => {
    const { vault, file } = await sqliteVault()
    await vault.putIfAbsent('a', Buffer.from('one'))
    await vault.putIfAbsent('b', Buffer.from('two'))
    const writer = new Sqlite(file)
    writer.exec("UPDATE vault SET secret = (SELECT secret FROM vault WHERE name = 'a') WHERE name = 'b'")
    writer.close()
    await expect(vault.get('b')).rejects.toThrow()
  })

  it('refuses writes once it is closed, and can be closed twice', async () => {
    const { vault } = await sqliteVault()
    await vault.close()
    await vault.close()
    await expect(vault.putIfAbsent('a', Buffer.from('one'))).rejects.toThrow('the vault is closed')
  })

  it('completes queued writes before it closes', async () => {
    const { vault, file } = await sqliteVault()
    const asked = Array.from({ length: 50 }, (_, index) => vault.putIfAbsent(`${index}`, randomBytes(32)))
    await vault.close()
    await expect(Promise.all(asked)).resolves.toHaveLength(50)
    expect(await (await sqliteVault(file)).vault.get('49')).toBeDefined()
  })
})

describe('the files of a vault', () => {
  it('hold no plaintext', async () => {
    const { vault, file } = await sqliteVault()
    const secret = randomBytes(32)
    await vault.putIfAbsent('a', secret)
    expect(everyByte(file).includes(secret)).toBe(false)
    expect(everyByte(file).includes(wrappedBytes(file, 'a'))).toBe(true) // so the scan looks at the right files
  })

  it('hold no trace of destroyed values, for any size of the vault and order of destruction', async () => {
    const { vault, file } = await sqliteVault()
    const keep = (size: number) => {
      const name = `data-key/${randomBytes(16).toString('hex')}`
      return vault.putIfAbsent(name, randomBytes(size)).then(() => name)
    }
    const keepMany = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, index) => keep(index % 8 === 0 ? 1300 : 32))) // RSA now and then
    const names: string[] = []
    for (let batch = 0; batch < rounds({ quick: 5, long: 12 }); batch += 1) names.push(...(await keepMany(50)))
    const order = names.sort() // random as the names are
    const gone: Buffer[] = []
    while (order.length > 100) {
      const next = order.splice(0, 25)
      const wrapped = next.map((name) => wrappedBytes(file, name))
      const before = everyByte(file)
      expect(wrapped.every((bytes) => traceOf(bytes, before))).toBe(true)
      await Promise.all(next.map((name) => vault.destroy(name)))
      const after = everyByte(file)
      expect(wrapped.filter((bytes) => traceOf(bytes, after))).toHaveLength(0)
      gone.push(...wrapped)
      await keepMany(5)
    }
    const everything = everyByte(file)
    expect(gone.filter((bytes) => traceOf(bytes, everything))).toHaveLength(0)
    for (const name of order) expect(await vault.get(name)).toBeDefined()
  })

  it('keep destroyed bytes while a reader uses them: the destruction fails, and succeeds when repeated', async () => {
    const { vault, file } = await sqliteVault()
    await vault.putIfAbsent('a', randomBytes(32))
    const wrapped = wrappedBytes(file, 'a')
    const reader = new Sqlite(file)
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM vault').get()
    const destroyed = vault.destroy('a')
    const settled = await Promise.race([
      destroyed.then(
        () => 'done',
        () => 'failed',
      ),
      new Promise((resolve) => setTimeout(resolve, 300, 'waits')),
    ])
    expect(settled).not.toBe('done')
    expect(traceOf(wrapped, everyByte(file))).toBe(true)
    reader.exec('COMMIT')
    reader.close()
    await destroyed.catch(() => vault.destroy('a'))
    expect(traceOf(wrapped, everyByte(file))).toBe(false)
  })
})

describe('a new master key', () => {
  const [OLD, NEW] = [Buffer.alloc(32, 7), Buffer.alloc(32, 8)]

  it('rewraps all values while the vault is in use, and the old key no longer decrypts any', async () => {
    const { vault, file } = await sqliteVault(newFile(), OLD)
    const names = Array.from({ length: 1200 }, (_, index) => `key-${String(index).padStart(5, '0')}`)
    const kept = await Promise.all(names.map((name) => vault.putIfAbsent(name, randomBytes(32))))
    const wrappedBefore = names.map((name) => wrappedBytes(file, name))
    const rewrapping = vault.rewrap([NEW, OLD])
    const destroyed = names.filter((_, index) => index % 10 === 0)
    await Promise.all(destroyed.map((name) => vault.destroy(name)))
    const late = await vault.putIfAbsent('late', randomBytes(32))
    expect(await rewrapping).toBeGreaterThan(1000)
    expect(await vault.rewrap([NEW])).toBe(0)
    for (const [index, name] of names.entries())
      expect(hex(await vault.get(name))).toBe(destroyed.includes(name) ? undefined : hex(kept[index]))
    await vault.close()
    const everything = everyByte(file)
    const looked = wrappedBefore.filter((_, index) => index % rounds({ quick: 10, long: 1 }) === 0)
    expect(looked.some((bytes) => traceOf(bytes, everything))).toBe(false)
    await expect(openSqliteVault({ file, masterKey: OLD })).rejects.toThrow('LEDGATE_MASTER_KEY')
    const again = (await sqliteVault(file, NEW)).vault
    expect(hex(await again.get('late'))).toBe(hex(late))
  })

  it('can be configured in other processes first: with both keys they read values wrapped with either', async () => {
    const { vault: here, file } = await sqliteVault(newFile(), OLD)
    const there = await openSqliteVault({ file, masterKey: OLD, olderMasterKeys: [NEW] })
    open.push(there)
    await here.putIfAbsent('a', Buffer.from('one'))
    await here.rewrap([NEW, OLD])
    expect(hex(await there.get('a'))).toBe(hex(Buffer.from('one')))
    await there.putIfAbsent('b', Buffer.from('two'))
    expect(hex(await here.get('b'))).toBe(hex(Buffer.from('two')))
    expect(await here.rewrap([NEW, OLD])).toBe(1)
  })

  it('that does not unwrap the values changes nothing', async () => {
    const { vault } = await sqliteVault(newFile(), OLD)
    await vault.putIfAbsent('a', Buffer.from('one'))
    await expect(vault.rewrap([NEW])).rejects.toThrow('LEDGATE_MASTER_KEY')
    expect(hex(await vault.get('a'))).toBe(hex(Buffer.from('one')))
  })
})
