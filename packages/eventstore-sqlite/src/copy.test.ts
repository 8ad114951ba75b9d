import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { copyLog, digestLog, openSqliteEventStore } from './index.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-copy-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function newLog(appends: number) {
  const folder = newFolder()
  const file = join(folder, 'log.db')
  const store = await openSqliteEventStore({ file })
  onTestFinished(() => store.close())
  const append = () => store.append(sampleStream(), sampleEvents(3), { expected: 'noStream' })
  for (let count = 0; count < appends; count += 1) await append()
  return { folder, file, store, append }
}

it('a copy that is made during writes is a prefix of the log with every event acknowledged before', async () => {
  const { folder, file, append } = await newLog(200)
  let isOver = false
  const writing = Array.from({ length: 4 }, async () => {
    while (!isOver) await append()
  })
  const { position } = await append()
  for (let round = 0; round < 5; round += 1) {
    const to = join(folder, `copy-${round}.db`)
    const part = await copyLog({ from: file, to })
    expect(part.position >= position).toBe(true)
    expect(await digestLog(to)).toEqual(part)
    expect(await digestLog(file, part.position)).toEqual(part)
  }
  isOver = true
  await Promise.all(writing)
})

it('a copy can be read and appended to like any log', async () => {
  const { folder, file, store } = await newLog(50)
  const stream = sampleStream()
  const events = sampleEvents(5)
  await store.append(stream, events, { expected: 'noStream' })
  const to = join(folder, 'copy.db')
  const part = await copyLog({ from: file, to })
  const copy = await openSqliteEventStore({ file: to })
  onTestFinished(() => copy.close())
  expect(await copy.read(stream)).toEqual(await store.read(stream))
  const next = await copy.append(stream, sampleEvents(1), { expected: 4n })
  expect(next.revision).toBe(5n)
  expect(next.position > part.position).toBe(true)
  await expect(copy.append(stream, sampleEvents(1), { expected: 2n })).rejects.toMatchObject({ code: 'ERR_CONFLICT' })
})

it('a copy up to a position ends at it', async () => {
  const { folder, file, append } = await newLog(20)
  const { position: upTo } = await append()
  await append()
  const to = join(folder, 'copy.db')
  const part = await copyLog({ from: file, to, upTo })
  expect(part).toEqual(await digestLog(file, upTo))
  expect(part.position).toBe(upTo)
  expect(part.events).toBe(63)
})

it('a single changed byte changes the digest', async () => {
  const [one, other] = [await newLog(0), await newLog(0)]
  const event = { ...sampleEvents(1)[0], id: crypto.randomUUID(), type: 'A', data: { a: 1 }, metadata: {} }
  await one.store.append('a-1', [event], { expected: 'noStream' })
  await other.store.append('a-1', [{ ...event, data: { a: 2 } }], { expected: 'noStream' })
  expect((await digestLog(one.file)).digest).not.toBe((await digestLog(other.file)).digest)
})

it('a full disk at the target is reported with the name of the target, and no partial copy remains', async () => {
  const { folder, file } = await newLog(1)
  const to = join(folder, 'to.db')
  const full = () => {
    throw new Database.SqliteError('database or disk is full', 'SQLITE_FULL')
  }
  const transaction = vi.spyOn(Database.prototype, 'transaction').mockReturnValue({ immediate: full } as never)
  onTestFinished(() => transaction.mockRestore())
  await expect(copyLog({ from: file, to })).rejects.toMatchObject({
    code: 'ERR_UNAVAILABLE',
    message: `${to} cannot be written: database or disk is full`,
  })
  expect([existsSync(to), existsSync(`${to}.partial`)]).toEqual([false, false])
})

it('a file that is not a log is not copied, and no partial copy remains', async () => {
  const folder = newFolder()
  const [from, to] = [join(folder, 'from.db'), join(folder, 'to.db')]
  writeFileSync(from, 'this is no database, and it is long enough to be looked at twice')
  await expect(copyLog({ from, to })).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  await expect(copyLog({ from: join(folder, 'nothing.db'), to })).rejects.toThrow(/cannot be read/)
  expect([existsSync(to), existsSync(`${to}.partial`)]).toEqual([false, false])
})
