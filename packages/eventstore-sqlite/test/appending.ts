/**
 * A process that appends until it is killed, and says what was acknowledged. Arguments: the file, how many appends are
 * under way at once, when it says so: `after` the answer or, as a control that has to be found out, `before` it; and
 * after how many appends in each lane it ends by itself, if at all.
 */
import { writeSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { openSqliteEventStore } from '../src/index.ts'

const [file = '', width = '1', when = 'after', turns = 'Infinity'] = process.argv.slice(2)
const EVENTS = 3

/** At once and unbuffered: what the parent has read cannot be taken back by a kill. */
const say = (...words: readonly (string | bigint)[]) => void writeSync(1, `${words.join(' ')}\n`)

const store = await openSqliteEventStore({ file })
say('open')

async function append(lane: number, turn: number): Promise<void> {
  const stream = `kill-${process.pid}x${lane}x${turn}`
  const events = Array.from({ length: EVENTS }, (_, index) => ({
    id: randomUUID(),
    type: 'Happened',
    data: { index, filling: 'x'.repeat((turn * 37) % 3000) },
    metadata: {},
  }))
  const ids = events.map(({ id }) => id).join(',')
  if (when === 'before') say('ack', stream, ids)
  await store.append(stream, events, { expected: 'noStream' })
  if (when === 'after') say('ack', stream, ids)
}

async function lane(number: number): Promise<void> {
  for (let turn = 0; turn < Number(turns); turn += 1) await append(number, turn)
}

try {
  await Promise.all(Array.from({ length: Number(width) }, (_, number) => lane(number)))
  await store.close()
} catch (error) {
  say('failed', (error as Error).name)
  const again = await store
    .append('kill-afterwards', [{ id: randomUUID(), type: 'Happened', data: {}, metadata: {} }], { expected: 'any' })
    .then(
      () => 'taken',
      (refused: Error) => refused.name,
    )
  say('afterwards', again, String(store.health().ok), (await store.head()) > '' ? 'readable' : 'unreadable')
  await store.close()
}
