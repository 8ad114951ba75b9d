import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Unavailable } from '@ledgate/eventsourcing'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { openSqliteEventStore } from '../src/index.ts'
import { halfDone, isMissing, lost, newFolder, opened, startAppending } from './processes.ts'

/** A limit on the size of files fails a write as a full disk does: in the middle, with an error. */
const onSmallDisk = ['bash', '-c', 'trap "" XFSZ; ulimit -f 900; exec "$@"', 'bash']

/** The superuser writes where nobody may, unless that right is taken away. */
const withoutPrivileges = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : []

describe.skipIf(isMissing(['bash'], 'a full disk'))('a disk that is full', () => {
  it('fails running appends, refuses further ones, still allows reads, and loses no acknowledged event', async () => {
    const file = join(newFolder(), 'log.db')
    const appending = startAppending({ file, under: onSmallDisk })
    await appending.said('afterwards')
    await appending.exited
    const said = appending.lines()
    expect(said.find((line) => line.startsWith('failed'))).toMatch(/^failed (Unavailable|UnknownOutcome)$/)
    expect(said).toContain('afterwards Unavailable false readable')
    expect(appending.acknowledged().length).toBeGreaterThan(10)
    const store = await opened(file)
    expect(await lost(store, appending.acknowledged())).toEqual([])
    expect(await halfDone(store)).toEqual([])
    await store.append('disk-larger', [{ id: crypto.randomUUID(), type: 'Happened', data: {}, metadata: {} }], {
      expected: 'noStream',
    })
  })
})

describe('a folder that cannot be written', () => {
  it.skipIf(isMissing(withoutPrivileges.slice(0, 1), 'a folder without the right to write'))(
    'is refused at opening, with or without a log in it',
    async () => {
      const folder = newFolder()
      const used = join(folder, 'used')
      await (await openSqliteEventStore({ file: join(used, 'log.db') })).close()
      for (const place of [join(folder, 'empty'), used]) {
        mkdirSync(place, { recursive: true })
        chmodSync(place, 0o555)
        const appending = startAppending({ file: join(place, 'log.db'), under: withoutPrivileges })
        await expect(appending.said('open')).rejects.toThrow('Unavailable')
        chmodSync(place, 0o755)
      }
      await opened(join(used, 'log.db'))
    },
  )

  it('is refused when there is a file where the folder should be', async () => {
    const file = join(newFolder(), 'a-file')
    writeFileSync(file, 'not a folder')
    await expect(openSqliteEventStore({ file: join(file, 'log.db') })).rejects.toThrow(Unavailable)
  })
})

describe('a store with a part that cannot be written', () => {
  it.skipIf(isMissing(withoutPrivileges.slice(0, 1), 'files without the right to write'))(
    'is refused at opening, and the file is named; what is open in another process is told apart',
    async () => {
      const file = join(newFolder(), 'log.db')
      const first = startAppending({ file, width: 1 })
      await first.said('ack')
      const refused = (reason: string) =>
        expect(startAppending({ file, under: withoutPrivileges }).said('open')).rejects.toThrow(reason)
      chmodSync(`${file}-lock`, 0o444)
      await refused('is open for writing in another process')
      await first.kill()
      await refused(`${file}-lock cannot be written`)
      chmodSync(`${file}-lock`, 0o644)
      for (const part of [file, `${file}-wal`]) {
        chmodSync(part, 0o444)
        await refused(`${file} cannot be opened for writing`)
        chmodSync(part, 0o644)
      }
      await opened(file)
    },
  )

  it('that is a folder, or garbage, is reported by name and not changed', async () => {
    for (const part of ['log.db-lock', 'log.db']) {
      const file = join(newFolder(), 'log.db')
      await (await openSqliteEventStore({ file })).close()
      const path = join(dirname(file), part)
      writeFileSync(path, 'garbage '.repeat(1000))
      await expect(openSqliteEventStore({ file })).rejects.toThrow(path)
      expect(readFileSync(path, 'utf8')).toBe('garbage '.repeat(1000))
      rmSync(path)
      mkdirSync(path)
      await expect(openSqliteEventStore({ file })).rejects.toThrow(path)
    }
  })
})

describe('a store with two paths', () => {
  it('has one writer, even through a link to the file or its folder', async () => {
    const [folder, other] = [newFolder(), newFolder()]
    const store = await openSqliteEventStore({ file: join(folder, 'log.db') })
    symlinkSync(join(folder, 'log.db'), join(other, 'linked.db'))
    symlinkSync(folder, join(other, 'folder'))
    for (const name of ['linked.db', 'folder/log.db'])
      await expect(openSqliteEventStore({ file: join(other, name) })).rejects.toThrow('in another process')
    await store.close()
    await opened(join(other, 'linked.db'))
  })

  it('that was copied with its lock file is two stores, each with its own writer', async () => {
    const [folder, other] = [newFolder(), join(newFolder(), 'copy')]
    await opened(join(folder, 'log.db'))
    cpSync(folder, other, { recursive: true })
    await opened(join(other, 'log.db'))
  })
})

describe('a second process', () => {
  it('is refused while the first one lives, even suspended, and accepted once it is killed', async () => {
    const file = join(newFolder(), 'log.db')
    const first = startAppending({ file })
    await first.said('ack')
    await expect(openSqliteEventStore({ file })).rejects.toThrow(/another process/)
    first.process.kill('SIGSTOP')
    await expect(openSqliteEventStore({ file })).rejects.toThrow(/another process/)
    await first.kill()
    const store = await opened(file)
    expect(await lost(store, first.acknowledged())).toEqual([])
  })

  it('never opens the store together with a first one, when both start at once', async () => {
    const file = join(newFolder(), 'log.db')
    const contenders = Array.from({ length: 4 }, () => startAppending({ file }))
    const outcomes = await Promise.allSettled(contenders.map((each) => each.said('open')))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('is refused within the same process too', async () => {
    const file = join(newFolder(), 'log.db')
    await opened(file)
    await expect(openSqliteEventStore({ file })).rejects.toThrow(Unavailable)
  })
})

describe('a file that is not an event store of this version', () => {
  it('is refused and not changed', async () => {
    const folder = newFolder()
    const text = join(folder, 'text.db')
    writeFileSync(text, 'this is no database at all, but it is somebody’s work'.repeat(100))
    await expect(openSqliteEventStore({ file: text })).rejects.toThrow(Unavailable)
    expect(readFileSync(text, 'utf8')).toMatch(/^this is no database/)
  })

  it('is refused when a later version wrote it', async () => {
    const file = join(newFolder(), 'log.db')
    await (await openSqliteEventStore({ file })).close()
    const database = new Database(file)
    database.pragma('user_version = 99')
    database.close()
    await expect(openSqliteEventStore({ file })).rejects.toThrow(/layout 99/)
  })
})
