import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type EventStore,
  inMemoryEventStore,
  InvalidPosition,
  type NewEvent,
  type Projector,
  START,
} from '@ledgate/eventsourcing'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openProjector, openViewReader, type ProjectorOptions } from '../src/index.ts'
import { rounds } from '../../../rounds.ts'
import { count, type Counted, decode, newFolder, sums } from './counting.ts'

const GENEROUS = { timeoutMs: 20_000 }

async function start(options: Omit<ProjectorOptions<Counted>, 'decode'>): Promise<Projector> {
  const projector = await openProjector({ ...options, decode })
  onTestFinished(() => projector.close())
  return projector
}

function query(file: string) {
  const reader = openViewReader(file)
  onTestFinished(() => reader.close())
  return reader
}

describe('a projector', () => {
  it('lets a reader see everything up to the position that it waits for', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    const projector = await start({ file, reader: store, projections: [sums()] })
    const reader = query(file)
    for (let total = 1; total <= 200; total += 1) {
      const position = await count(store, 'a', 1)
      expect(await projector.waitFor(position, GENEROUS)).toBe(true)
      expect(reader.get('SELECT total FROM sums WHERE key = ?', 'a')).toEqual({ total })
    }
  })

  it('delays new events to batch them, unless a reader waits for their position', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    const projector = await start({ file, reader: store, projections: [sums()], lingerMs: 3_600_000 })
    const reader = query(file)
    const total = () => reader.get('SELECT total FROM sums WHERE key = ?', 'a')
    expect(await projector.waitFor(await count(store, 'a', 1), GENEROUS)).toBe(true)
    expect(total()).toEqual({ total: 1 })

    let last = START
    for (let n = 0; n < 50; n += 1) last = await count(store, 'a', 1)
    await pause(50)
    expect(total()).toEqual({ total: 1 })
    expect(projector.health()[0]?.lagMs).toBeGreaterThan(40)
    expect(await projector.waitFor(last, GENEROUS)).toBe(true)
    expect(total()).toEqual({ total: 51 })
    expect(projector.health()[0]?.lagMs).toBe(0)

    const reached = projector.waitFor(`${last}9` as typeof last, { timeoutMs: 60_000 })
    await count(store, 'a', 1)
    await vi.waitFor(() => expect(total()).toEqual({ total: 52 }))
    expect(await reached).toBe(true)
  })

  it('applies large batches while it is behind, even when the log delivers slowly', async () => {
    const EVENTS = 50
    const store = inMemoryEventStore()
    let last = START
    for (let n = 0; n < EVENTS; n += 1) last = await count(store, 'a', 1)
    const reader: EventStore = {
      ...store,
      async *subscribe(options) {
        for await (const message of store.subscribe(options)) {
          if (message.kind === 'event') await pause(5)
          yield message
        }
      },
    }
    let transactions = 0
    const projection = sums()
    const prepare: typeof projection.prepare = (...of) => ({
      ...projection.prepare(...of),
      flush: () => void (transactions += 1),
    })
    const projector = await start({
      file: join(newFolder(), 'v.db'),
      reader,
      projections: [{ ...projection, prepare }],
      lingerMs: 1,
    })
    await vi.waitFor(() => expect(projector.health()[0]).toMatchObject({ state: 'live', position: last }))
    expect(transactions).toBeLessThan(EVENTS / 2)
  })

  it('returns false when a position is not reached in time', async () => {
    const store = inMemoryEventStore()
    const projector = await start({ file: join(newFolder(), 'v.db'), reader: store, projections: [sums()] })
    const position = await count(store, 'a', 1)
    expect(await projector.waitFor(`${position}9` as typeof position, { timeoutMs: 20 })).toBe(false)
  })

  it('rebuilds from the whole log, also when a read returns less than the subscription delivered', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    let reads = 0
    const behind: EventStore = {
      ...store,
      async *readAll(options) {
        reads += 1
        if (reads > 2) yield* store.readAll(options)
      },
    }
    const projector = await start({ file, reader: behind, projections: [sums()] })
    await count(store, 'a', 1)
    const before = await count(store, 'b', 2)
    expect(await projector.waitFor(before, GENEROUS)).toBe(true)
    const { digest } = await projector.digest('sums')
    await projector.rebuild('sums')
    expect(reads).toBeGreaterThan(2)
    expect((await projector.digest('sums')).digest).toBe(digest)
    expect(query(file).get('SELECT sum(total) AS all_of_them FROM sums')).toEqual({ all_of_them: 3 })
  })

  it('resumes after a restart and applies no event twice', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    for (let round = 1; round <= 10; round += 1) {
      const projector = await openProjector({ file, reader: store, projections: [sums()], decode, batch: 3 })
      const positions = await Promise.all(Array.from({ length: 7 }, () => count(store, 'a', 1)))
      const awaited = round % 2 === 0 ? positions.at(-1) : positions[2]
      expect(await projector.waitFor(awaited ?? START, GENEROUS)).toBe(true)
      await projector.close()
    }
    expect(query(file).get('SELECT total FROM sums')).toEqual({ total: 70 })
  })

  it('has the same digest live and rebuilt, for any history, batch sizes and restarts', async () => {
    const history = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), n: fc.integer({ min: 1, max: 99 }) }), {
      maxLength: 60,
    })
    const lingers = fc.constantFrom(0, 2)
    await fc.assert(
      fc.asyncProperty(
        history,
        fc.integer({ min: 1, max: 9 }),
        lingers,
        fc.boolean(),
        async (steps, batch, lingerMs, isRestarted) => {
          const file = join(newFolder(), 'views.db')
          const store = inMemoryEventStore()
          let last = START
          const first = await openProjector({ file, reader: store, projections: [sums()], decode, batch, lingerMs })
          for (const { key, n } of steps) last = await count(store, key, n)
          if (isRestarted) await first.close()
          const projector = isRestarted
            ? await openProjector({ file, reader: store, projections: [sums()], decode, batch, lingerMs })
            : first
          expect(await projector.waitFor(last, GENEROUS)).toBe(true)
          const live = await projector.digest('sums')
          expect(live.rows).toBe(new Set(steps.map(({ key }) => key)).size)
          await projector.rebuild('sums')
          expect(await projector.digest('sums')).toEqual(live)
          await projector.close()
        },
      ),
      { numRuns: rounds({ quick: 15, long: 200 }) },
    )
  })

  it('has a different digest when one row differs', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    const projector = await start({ file, reader: store, projections: [sums()] })
    await projector.waitFor(await count(store, 'a', 1), GENEROUS)
    const { digest } = await projector.digest('sums')
    const table = query(file).get("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'sums_v1_%'")
    const other = new Database(file)
    other.exec(`UPDATE ${(table as { name: string }).name} SET total = 2`)
    other.close()
    expect((await projector.digest('sums')).digest).not.toBe(digest)
    await projector.rebuild('sums')
    expect((await projector.digest('sums')).digest).toBe(digest)
  })

  it('serves the old version of a projection until the new one has caught up, then only the new one', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    let last = START
    for (let n = 1; n <= 3_000; n += 1) last = await count(store, `k${n % 10}`, 1)
    const old = await openProjector({ file, reader: store, projections: [sums()], decode })
    expect(await old.waitFor(last, GENEROUS)).toBe(true)
    await old.close()

    const reader = query(file)
    const seen: number[] = []
    const look = () => {
      const { total, rows } = reader.get('SELECT sum(total) AS total, count(*) AS rows FROM sums') as never
      expect(rows).toBe(10) // at no moment a half-built table
      seen.push(total)
    }
    look()
    const projector = await start({ file, reader: store, projections: [sums({ version: 2 })], batch: 50 })
    expect(projector.health()[0]).toMatchObject({ state: 'building', version: 2, serving: { version: 1 } })
    while (projector.health()[0]?.serving.version === 1) {
      look()
      await new Promise((resolve) => setImmediate(resolve))
    }
    look()
    expect(new Set(seen)).toEqual(new Set([3_000, 30_000]))
    expect(seen.length).toBeGreaterThan(10)
    expect(reader.all("SELECT name FROM sqlite_master WHERE name LIKE 'sums_v1%'")).toEqual([])
    expect(projector.health()[0]).toMatchObject({ state: 'live', serving: { version: 2 } })
  })

  it('resumes a partly built version after a restart', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    let last = START
    for (let n = 0; n < 500; n += 1) last = await count(store, 'a', 1)
    const old = await openProjector({ file, reader: store, projections: [sums()], decode })
    await old.waitFor(last, GENEROUS)
    await old.close()

    let applied = 0
    const halfway = sums({
      version: 2,
      before: () => {
        applied += 1
      },
    })
    const half = await openProjector({ file, reader: store, projections: [halfway], decode, batch: 100 })
    await vi.waitUntil(() => applied >= 100)
    await half.close()
    const projector = await start({ file, reader: store, projections: [halfway], batch: 100 })
    await vi.waitUntil(() => projector.health()[0]?.serving.version === 2) // until then the old version answers
    expect(query(file).get('SELECT total FROM sums')).toEqual({ total: 5_000 })
    expect(applied).toBe(500)
  })

  it('serves the new build at once when the queries cannot read the old version', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    const last = await count(store, 'a', 1)
    const old = await openProjector({ file, reader: store, projections: [sums()], decode })
    await old.waitFor(last, GENEROUS)
    await old.close()
    const projector = await start({ file, reader: store, projections: [sums({ version: 2, oldestReadable: 2 })] })
    expect(projector.health()[0]?.serving).toEqual({ version: 2, position: START })
    expect(await projector.waitFor(last, GENEROUS)).toBe(true)
  })

  it('rebuilds the views when they were built from a different log', async () => {
    const file = join(newFolder(), 'views.db')
    const first = inMemoryEventStore()
    const projector = await openProjector({ file, reader: first, projections: [sums()], decode })
    await count(first, 'a', 5)
    await projector.waitFor(await count(first, 'a', 5), GENEROUS)
    await projector.close()

    const restored = inMemoryEventStore()
    const last = await count(restored, 'a', 7)
    const again = await start({ file, reader: restored, projections: [sums()] })
    expect(await again.waitFor(last, GENEROUS)).toBe(true)
    expect(query(file).get('SELECT total FROM sums')).toEqual({ total: 7 })
  })

  it('reports a different log that its subscription detects, and applies no further event', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    const found: unknown[] = []
    const foreign: EventStore = {
      ...store,
      async *subscribe(options) {
        yield* store.subscribe({ ...options, signal: AbortSignal.abort() })
        throw new InvalidPosition()
      },
    }
    const onForeign = (error: unknown) => void found.push(error)
    const projector = await start({ file, reader: foreign, projections: [sums()], onForeign })
    await vi.waitUntil(() => found.length > 0)
    expect(await projector.waitFor(await count(store, 'a', 5), GENEROUS)).toBe(false)
    expect([found.length, query(file).all('SELECT total FROM sums')]).toEqual([1, []])
  })

  it('reports each failed attempt of its subscription, and when it delivers again', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    const said: string[] = []
    const failing: EventStore = {
      ...store,
      async *subscribe(options) {
        for (const why of ['no right', 'no server']) options?.onFailure?.(new Error(why))
        yield* store.subscribe(options)
      },
    }
    const onUnheard = (error: unknown) => void said.push(String(error))
    const projector = await start({
      file,
      reader: failing,
      projections: [sums()],
      onUnheard,
      onHeard: () => void said.push('heard'),
    })
    expect(await projector.waitFor(await count(store, 'a', 1), GENEROUS)).toBe(true)
    expect(said).toEqual(['Error: no right', 'Error: no server', 'heard'])
  })

  it('skips no event while eight writers append and a rebuild runs', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    const projector = await start({ file, reader: store, projections: [sums(), sums({ name: 'others' })], batch: 64 })
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; n < 250; n += 1) {
        await count(store, `k${writer}`, 1)
        if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const rebuilds = (async () => {
      for (let round = 0; round < 5; round += 1) await projector.rebuild('sums')
    })()
    await Promise.all([...writers, rebuilds])
    expect(await projector.waitFor(await store.head(), GENEROUS)).toBe(true)
    const reader = query(file)
    const all = Array.from({ length: 8 }, (_, writer) => ({ key: `k${writer}`, total: 250 }))
    expect(reader.all('SELECT key, total FROM sums ORDER BY key')).toEqual(all)
    expect(reader.all('SELECT key, total FROM others ORDER BY key')).toEqual(all)
  })
})

describe('two projectors on one file', () => {
  it('apply no event twice: one of them reports a failure', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    const both = [await start({ file, reader: store, projections: [sums()] })]
    await both[0]?.waitFor(await count(store, 'a', 1), GENEROUS)
    both.push(await start({ file, reader: store, projections: [sums()] }))
    await count(store, 'a', 1)
    const failing = () => both.flatMap((each) => each.health()).filter(({ state }) => state === 'failing')
    await vi.waitUntil(() => failing().length === 1)
    expect(failing()[0]?.failure).toBe('another projector writes these read models')
    expect(query(file).get('SELECT total FROM sums')).toEqual({ total: 2 })
  })
})

describe('a poison event', () => {
  const poisoned = sums({
    name: 'poisoned',
    before: ({ data }) => {
      if (data.n === 13) throw new Error('thirteen')
    },
  })

  it('stops its projection right before it with a report, and no other projection', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    const troubles: unknown[] = []
    const projections = [poisoned, sums()]
    const onTrouble = (health: unknown) => troubles.push(health)
    const projector = await start({ file, reader: store, projections, onTrouble })
    for (let n = 0; n < 10; n += 1) await count(store, 'a', 1)
    const bad = await count(store, 'a', 13)
    const last = await count(store, 'a', 1)

    expect(await projector.waitFor(last, { ...GENEROUS, names: ['sums'] })).toBe(true)
    expect(await projector.waitFor(last, GENEROUS)).toBe(false)
    const poison = { position: bad, type: 'Counted', cause: 'thirteen' }
    await vi.waitFor(() => expect(projector.health()).toMatchObject([{ state: 'stopped', poison }, { state: 'live' }]))
    expect(troubles).toMatchObject([{ name: 'poisoned', state: 'stopped', poison }])
    expect(query(file).get('SELECT total FROM poisoned')).toEqual({ total: 10 })
    expect(query(file).get('SELECT total FROM sums')).toEqual({ total: 24 })
  })

  it('is where the repaired projection resumes', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    for (const n of [1, 2, 13, 3]) await count(store, 'a', n)
    const stopped = await openProjector({ file, reader: store, projections: [poisoned, sums()], decode })
    await vi.waitUntil(() => stopped.health()[0]?.state === 'stopped')
    await stopped.close()

    const applied: number[] = []
    const mended = sums({ name: 'poisoned', before: ({ data }) => void applied.push(data.n) })
    const projector = await start({ file, reader: store, projections: [mended, sums()] })
    expect(await projector.waitFor(await store.head(), GENEROUS)).toBe(true)
    expect(applied).toEqual([13, 3])
    const { digest } = await projector.digest('poisoned')
    await projector.rebuild('poisoned')
    expect((await projector.digest('poisoned')).digest).toBe(digest)
  })

  it('leaves the old build served when a rebuild stops at it', async () => {
    let isPoisonous = false
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    const fickle = sums({
      before: ({ data }) => {
        if (isPoisonous && data.n === 2) throw new Error('two')
      },
    })
    const projector = await start({ file, reader: store, projections: [fickle] })
    for (const n of [1, 2]) await count(store, 'a', n)
    await projector.waitFor(await store.head(), GENEROUS)
    isPoisonous = true
    await expect(projector.rebuild('sums')).rejects.toThrow('two')
    expect(projector.health()).toMatchObject([{ state: 'live' }])
    expect(await projector.waitFor(await count(store, 'a', 3), GENEROUS)).toBe(true)
    expect(query(file).get('SELECT total FROM sums')).toEqual({ total: 6 })
  })
})

describe('a failing disk', () => {
  it('is retried until it works; no event is lost, doubled or reported as poison', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    let failures = 0
    const flaky = sums({
      before: ({ data }) => {
        if (data.n % 2 === 0 && failures < 3) {
          failures += 1
          throw new Database.SqliteError('database or disk is full', 'SQLITE_FULL')
        }
      },
    })
    const states = new Set<string>()
    const projector = await start({
      file,
      reader: store,
      projections: [flaky, sums({ name: 'others' })],
      onTrouble: ({ state }) => states.add(state),
    })
    for (let n = 1; n <= 10; n += 1) await count(store, 'a', n)
    expect(await projector.waitFor(await store.head(), GENEROUS)).toBe(true)
    expect(failures).toBe(3)
    expect([...states]).toEqual(['failing'])
    await vi.waitFor(() => expect(projector.health()).toMatchObject([{ state: 'live' }, { state: 'live' }]))
    expect(query(file).get('SELECT total FROM sums')).toEqual({ total: 55 })
    expect(query(file).get('SELECT total FROM others')).toEqual({ total: 55 })
  })
})

describe('checkpoints', () => {
  /** Saves a checkpoint at the end of one log; returns what is loaded with another log. */
  async function loadedBeside(kept: EventStore, now: EventStore, place: (end: string) => string = (end) => end) {
    const file = join(newFolder(), 'views.db')
    const first = await openProjector({ file, reader: kept, projections: [], decode })
    const saved = place(await kept.head())
    await first.checkpoints.save('mail', saved)
    await first.close()
    const said: string[] = []
    const projector = await start({ file, reader: now, projections: [], onDiscarded: (why) => said.push(why) })
    return { saved, loaded: await projector.checkpoints.load('mail'), said }
  }

  /** A log, a copy of its beginning that has diverged, and the log with further events. */
  async function forked({ shared, lost, gained }: { shared: number; lost: number; gained: number }) {
    const [before, copy] = [inMemoryEventStore(), inMemoryEventStore()]
    const events = Array.from({ length: shared }, (_, n) => ({ ...counted(`s${n}`) }))
    for (const store of [before, copy]) for (const event of events) await append(store, event)
    for (let n = 0; n < lost; n += 1) await append(before, counted(`lost${n}`))
    for (let n = 0; n < gained; n += 1) await append(copy, counted(`gained${n}`))
    return { before, copy }
  }
  const counted = (key: string) => ({ id: randomUUID(), type: 'Counted', data: { key, n: 1 }, metadata: {} })
  const append = (store: EventStore, event: NewEvent) => store.append('counter-a', [event], { expected: 'any' })

  it('are not saved when the log is reported to end before them: their log could not be recognized later', async () => {
    const store = inMemoryEventStore()
    const before = await count(store, 'a', 1)
    const place = await count(store, 'a', 1)
    let isBehind = true
    const stale: EventStore = {
      ...store,
      head: async () => (isBehind ? before : store.head()),
      async *readAll(options) {
        for await (const event of store.readAll(options)) if (!isBehind || event.position <= before) yield event
      },
    }
    const { checkpoints } = await start({ file: join(newFolder(), 'views.db'), reader: stale, projections: [] })
    await expect(checkpoints.save('mail', place)).rejects.toThrow(/is not saved/)
    expect(await checkpoints.load('mail')).toBe(START)
    isBehind = false
    await checkpoints.save('mail', place)
    expect(await checkpoints.load('mail')).toBe(place)
  })

  it('are ignored with an older copy of the log, however far the copy has grown', async () => {
    const forks = fc.record({
      shared: fc.integer({ min: 0, max: 4 }),
      lost: fc.integer({ min: 1, max: 4 }),
      gained: fc.integer({ min: 0, max: 9 }),
      isText: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(forks, async ({ isText, ...lengths }) => {
        const { before, copy } = await forked(lengths)
        const place = (end: string) => (isText ? `{"position":"${end}"}` : end)
        const { loaded, said } = await loadedBeside(before, copy, place)
        expect(loaded).toBe(START)
        expect(said).toEqual([expect.stringContaining('"mail"')])
      }),
      { numRuns: rounds({ quick: 20, long: 300 }) },
    )
  })

  it('are valid with the log that has grown', async () => {
    const forks = fc.record({ shared: fc.integer({ min: 0, max: 4 }), gained: fc.integer({ min: 0, max: 9 }) })
    await fc.assert(
      fc.asyncProperty(forks, async (lengths) => {
        const { before, copy } = await forked({ ...lengths, lost: 0 })
        const { saved, loaded, said } = await loadedBeside(before, copy)
        expect([loaded, said]).toEqual([saved, []])
      }),
      { numRuns: rounds({ quick: 20, long: 300 }) },
    )
  })

  it('that an earlier version stored without the end of their log are deleted', async () => {
    const file = join(newFolder(), 'views.db')
    const old = new Database(file)
    old.exec(
      "CREATE TABLE checkpoints (name TEXT PRIMARY KEY, position TEXT NOT NULL) STRICT; INSERT INTO checkpoints VALUES ('mail', '9')",
    )
    old.close()
    const projector = await start({ file, reader: inMemoryEventStore(), projections: [] })
    expect(await projector.checkpoints.load('mail')).toBe(START)
  })

  it('are at the start until saved, and survive a restart', async () => {
    const file = join(newFolder(), 'views.db')
    const store = inMemoryEventStore()
    const position = await count(store, 'a', 1)
    const first = await openProjector({ file, reader: store, projections: [], decode })
    expect(await first.checkpoints.load('mail')).toBe(START)
    await first.checkpoints.save('mail', position)
    await first.close()
    const projector = await start({ file, reader: store, projections: [] })
    expect(await projector.checkpoints.load('mail')).toBe(position)
    expect(await projector.checkpoints.load('registration')).toBe(START)
  })
})
