import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { EventStore } from '@ledgate/eventsourcing'
import { eventStoreContract } from '@ledgate/eventsourcing/testing'
import { expect, it, onTestFinished } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { openSqliteEventStore } from './index.ts'

eventStoreContract(
  'the SQLite event store',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ledgate-log-'))
    const opened: EventStore[] = []
    return {
      async connect() {
        const store = await openSqliteEventStore({ file: join(folder, 'events.db') })
        opened.push(store)
        return store
      },
      async dispose() {
        await Promise.all(opened.map((store) => store.close()))
        rmSync(folder, { recursive: true })
      },
    }
  },
  { durable: true, startsEmpty: true, rounds: rounds({ quick: 10, long: 20 }) },
)

it.each(['forwards', 'backwards'] as const)(
  'a reading %s of a long log lets others have their turn and ends at its signal, also where nothing is what it looks for',
  async (direction) => {
    const folder = mkdtempSync(join(tmpdir(), 'ledgate-log-'))
    const store = await openSqliteEventStore({ file: join(folder, 'events.db') })
    onTestFinished(async () => {
      await store.close()
      rmSync(folder, { recursive: true })
    })
    const event = () => ({ id: randomUUID(), type: 'Happened', data: {}, metadata: {} })
    for (let stream = 0; stream < 150; stream += 1)
      await store.append(`many-${stream}`, Array.from({ length: 100 }, event), { expected: 'noStream' })
    /** How often others have their turn while the log is read in vain. */
    async function turnsOf(signal?: AbortSignal): Promise<number> {
      let turns = 0
      let isOver = false
      const others = (async () => {
        for (; !isOver; turns += 1) await setImmediate()
      })()
      const filter = { types: ['Absent'] }
      for await (const _ of store.readAll({ direction, filter, ...(signal && { signal }) })) expect.unreachable()
      isOver = true
      await others
      return turns
    }
    const whole = await turnsOf()
    expect(whole).toBeGreaterThan(2)
    const stop = new AbortController()
    void setImmediate().then(() => stop.abort())
    expect(await turnsOf(stop.signal)).toBeLessThan(whole)
  },
)
