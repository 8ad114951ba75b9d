import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
  it('fails what is under way, takes nothing more, still reads, and loses nothing that was acknowledged', async () => {
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

describe('a second process', () => {
  it('is refused while the first one lives, even when that is stopped, and let in when it is killed', async () => {
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

  it('never gets in with a first one, when both start at once', async () => {
    const file = join(newFolder(), 'log.db')
    const contenders = Array.from({ length: 4 }, () => startAppending({ file }))
    const outcomes = await Promise.allSettled(contenders.map((each) => each.said('open')))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('is refused in the same process too', async () => {
    const file = join(newFolder(), 'log.db')
    await opened(file)
    await expect(openSqliteEventStore({ file })).rejects.toThrow(Unavailable)
  })
})

describe('a file that is no event store of ours', () => {
  it('is refused as it is, and left as it is', async () => {
    const folder = newFolder()
    const text = join(folder, 'text.db')
    writeFileSync(text, 'this is no database at all, but it is somebody’s work'.repeat(100))
    await expect(openSqliteEventStore({ file: text })).rejects.toThrow(Unavailable)
    expect(readFileSync(text, 'utf8')).toMatch(/^this is no database/)
  })

  it('is refused when a later version laid it out', async () => {
    const file = join(newFolder(), 'log.db')
    await (await openSqliteEventStore({ file })).close()
    const database = new Database(file)
    database.pragma('user_version = 99')
    database.close()
    await expect(openSqliteEventStore({ file })).rejects.toThrow(/layout 99/)
  })
})
