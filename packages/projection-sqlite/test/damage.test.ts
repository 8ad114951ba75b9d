import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { inMemoryEventStore, START } from '@ledgate/eventsourcing'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { discardViews, openProjector, openViewReader } from '../src/index.ts'
import { count, decode, newFolder, sums } from './counting.ts'

const GENEROUS = { timeoutMs: 60_000 }
const KEYS = 300
const PAGE = 4096

/** A log, and the closed file of the views that were built from it. */
async function madeViews() {
  const file = join(newFolder(), 'views.db')
  const store = inMemoryEventStore()
  for (let key = 0; key < KEYS; key += 1) await count(store, `key-${key}-${'x'.repeat(200)}`, 1)
  const projector = await openProjector({ file, reader: store, projections: [sums()], decode })
  expect(await projector.waitFor(await store.head(), GENEROUS)).toBe(true)
  await projector.checkpoints.save('mail', await store.head())
  await projector.close()
  return { file, store }
}

function overwrite(file: string, from: number, length: number): void {
  const bytes = readFileSync(file)
  bytes.fill(0xa5, from, from + length)
  writeFileSync(file, bytes)
}

const damages: Readonly<Record<string, (file: string) => void>> = {
  'is empty': (file) => truncateSync(file),
  'begins with garbage': (file) => overwrite(file, 0, 100),
  'is garbage': (file) => writeFileSync(file, 'no database at all '.repeat(1000)),
  'was cut off': (file) => truncateSync(file, PAGE * 3),
  'was cut off within its first page': (file) => truncateSync(file, 50),
  'lost the page that says what is in it': (file) => overwrite(file, 100, PAGE - 100),
  'has other tables': (file) => {
    discardViews(file)
    const other = new Database(file)
    other.exec('CREATE TABLE projection_builds (what TEXT)')
    other.close()
  },
  'lost a table': (file) => {
    const other = new Database(file)
    other.exec(
      String(
        other
          .prepare("SELECT 'DROP TABLE ' || name FROM sqlite_master WHERE name LIKE 'sums_v1_%' AND type = 'table'")
          .pluck()
          .get(),
      ),
    )
    other.close()
  },
  'has names of tables that cannot be read': (file) => {
    const other = new Database(file)
    other.exec("UPDATE projection_builds SET tables = '{'")
    other.close()
  },
  'is a folder': (file) => {
    discardViews(file)
    mkdirSync(file)
    writeFileSync(join(file, 'somebody’s'), 'own')
  },
  'has a garbage write-ahead log': (file) => writeFileSync(`${file}-wal`, Buffer.alloc(9000, 0xa5)),
  'has a folder for a write-ahead log': (file) => void mkdirSync(`${file}-wal`),
}

describe('a file of views that', () => {
  it.each(Object.entries(damages))(
    '%s is rebuilt when it is opened, and its checkpoints are discarded',
    async (_, damage) => {
      const { file, store } = await madeViews()
      damage(file)
      const said: string[] = []
      const onDiscarded = (why: string) => said.push(why)
      const projector = await openProjector({ file, reader: store, projections: [sums()], decode, onDiscarded })
      onTestFinished(() => projector.close())
      expect(await projector.waitFor(await store.head(), GENEROUS)).toBe(true)
      const reader = openViewReader(file)
      onTestFinished(() => reader.close())
      expect(reader.get('SELECT sum(total) AS total, count(*) AS rows FROM sums')).toEqual({ total: KEYS, rows: KEYS })
      if (statSync(file).size > 0 && said.length > 0) {
        expect(said[0]).toContain(file)
        expect(await projector.checkpoints.load('mail')).toBe(START)
      }
    },
  )

  it('is damaged is reported when it is opened, unless it is empty', async () => {
    for (const [what, damage] of Object.entries(damages)) {
      const { file, store } = await madeViews()
      damage(file)
      const said: string[] = []
      const projector = await openProjector({
        file,
        reader: store,
        projections: [sums()],
        decode,
        onDiscarded: (why) => said.push(why),
      })
      await projector.close()
      expect([what, said.length > 0]).toEqual([what, what !== 'is empty'])
    }
  })

  it('is found damaged while it is used stops the projector with a report, and is rebuilt once it is deleted', async () => {
    const { file, store } = await madeViews()
    // All but the first pages, which are read when the file is opened.
    overwrite(file, PAGE * 8, statSync(file).size - PAGE * 8)
    const damaged = vi.fn()
    const projector = await openProjector({ file, reader: store, projections: [sums()], decode, onDamage: damaged })
    for (let key = 0; key < KEYS; key += 1) await count(store, `key-${key}-${'x'.repeat(200)}`, 1)
    await vi.waitFor(() => expect(damaged).toHaveBeenCalled())
    expect(projector.health()).toMatchObject([{ state: 'failing' }])
    discardViews(file)
    await projector.close()
    const again = await openProjector({ file, reader: store, projections: [sums()], decode })
    onTestFinished(() => again.close())
    expect(await again.waitFor(await store.head(), GENEROUS)).toBe(true)
    const reader = openViewReader(file)
    onTestFinished(() => reader.close())
    expect(reader.get('SELECT sum(total) AS total FROM sums')).toEqual({ total: 2 * KEYS })
  })

  it('a reader finds damaged is reported, and the reader continues on the new file', async () => {
    const { file, store } = await madeViews()
    const damaged = vi.fn()
    const copy = `${file}.copy`
    copyFileSync(file, copy)
    overwrite(copy, PAGE * 8, statSync(copy).size - PAGE * 8)
    const reader = openViewReader(copy, damaged)
    onTestFinished(() => reader.close())
    expect(() => reader.all('SELECT * FROM sums')).toThrow('malformed')
    expect(damaged).toHaveBeenCalled()
    discardViews(copy)
    const projector = await openProjector({ file: copy, reader: store, projections: [sums()], decode })
    onTestFinished(() => projector.close())
    await projector.waitFor(await store.head(), GENEROUS)
    reader.reopen()
    expect(reader.all('SELECT * FROM sums')).toHaveLength(KEYS)
  })

  it('replaces a folder keeps the content of the folder', async () => {
    const { file, store } = await madeViews()
    damages['is a folder']?.(file)
    const projector = await openProjector({ file, reader: store, projections: [sums()], decode })
    await projector.close()
    const aside = readdirSync(dirname(file)).find((name) => name.includes('moved-aside'))
    expect(existsSync(join(dirname(file), aside ?? '', 'somebody’s'))).toBe(true)
  })

  it('has a torn end of its write-ahead log after a crash is valid', async () => {
    const { file, store } = await madeViews()
    const projector = await openProjector({ file, reader: store, projections: [sums()], decode })
    await projector.waitFor(await count(store, 'a', 1), GENEROUS)
    const crashed = join(newFolder(), 'views.db')
    for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${crashed}${end}`)
    await projector.close()
    appendFileSync(`${crashed}-wal`, Buffer.alloc(3000, 0xa5))
    const said: string[] = []
    const again = await openProjector({
      file: crashed,
      reader: store,
      projections: [sums()],
      decode,
      onDiscarded: (why) => said.push(why),
    })
    await again.close()
    expect(said).toEqual([])
  })
})
