import { randomUUID } from 'node:crypto'
import { inMemoryEventStore, type NewEvent } from '@ledgate/eventsourcing'
import { describe, expect, it } from 'vitest'
import { inMemoryCheckpoints } from '../testing/household.ts'
import { createBacklog } from './backlog.ts'
import { mailStream } from '../mail/index.ts'
import type { RecordIn } from '../log/index.ts'
import { followEvents } from './follow-events.ts'

type MailRecord = RecordIn<typeof mailStream>

const envelope = { schema: 1, $correlationId: 'c', $causationId: 'c', actor: { type: 'system', id: 'test' } }

const mailSent = (): NewEvent => ({
  id: randomUUID(),
  type: 'MailSent',
  data: { mail_id: randomUUID().replaceAll('-', '') },
  metadata: envelope,
})

async function following(handle: (event: MailRecord, tries: number) => Promise<void>, streams = 5, each = 4) {
  const store = inMemoryEventStore()
  const names = Array.from({ length: streams }, (_, index) => `mail-${index}`)
  for (let turn = 0; turn < each; turn += 1)
    for (const name of names) await store.append(name, [mailSent()], { expected: 'any' })
  const checkpoints = inMemoryCheckpoints()
  const tries = new Map<string, number>()
  const errors: unknown[] = []
  const shown = createBacklog()
  const done = new AbortController()
  const run = () =>
    followEvents({
      store,
      checkpoints,
      name: 'test',
      streams: [mailStream],
      async handle(event) {
        const before = tries.get(event.id) ?? 0
        tries.set(event.id, before + 1)
        await handle(event, before)
      },
      onError: (error) => void errors.push(error),
      backlog: shown,
      firstPauseMs: 1,
      signal: done.signal,
    })
  return { store, names, checkpoints, errors, shown, done, run }
}

describe('a process manager', () => {
  it('gets every event, those of one stream one after the other, and moves its checkpoint to the last', async () => {
    const handled: string[] = []
    const busy = new Set<string>()
    const { store, done, run, checkpoints } = await following(async ({ stream, revision }) => {
      expect(busy.has(stream)).toBe(false)
      busy.add(stream)
      await new Promise((later) => setTimeout(later, Math.random() * 3))
      busy.delete(stream)
      handled.push(`${stream}@${revision}`)
    })
    const running = run()
    await expect.poll(async () => (await checkpoints.load('test')) === (await store.head())).toBe(true)
    done.abort()
    await running
    expect(new Set(handled).size).toBe(20)
    expect(handled).toHaveLength(20)
    for (let stream = 0; stream < 5; stream += 1)
      expect(handled.filter((each) => each.startsWith(`mail-${stream}`))).toEqual(
        [0, 1, 2, 3].map((revision) => `mail-${stream}@${revision}`),
      )
  })

  it('tries again what failed, and holds up its stream and the checkpoint, and nothing else', async () => {
    const handled: string[] = []
    let isAway = true
    const { store, done, run, checkpoints } = await following(async ({ stream, revision }, tries) => {
      // Others wait for nothing, and it is tried more than once more.
      if (stream === 'mail-2' && (isAway || tries < 3)) throw new Error('not now')
      handled.push(`${stream}@${revision}`)
    })
    const running = run()
    await expect.poll(() => handled.length, { message: 'what failed holds up others' }).toBe(16)
    expect(handled.filter((each) => each.startsWith('mail-2'))).toEqual([])
    const head = await store.head()
    const held = await checkpoints.load('test')
    expect(held === '' || BigInt(held) < BigInt(head), 'the checkpoint is before what failed').toBe(true)
    isAway = false
    await expect.poll(() => handled.length, { message: 'what failed is not tried again' }).toBe(20)
    await expect.poll(() => checkpoints.load('test'), { message: 'the checkpoint stays behind' }).toBe(head)
    done.abort()
    await running
    expect(handled.filter((each) => each.startsWith('mail-2'))).toEqual([0, 1, 2, 3].map((at) => `mail-2@${at}`))
  })

  it('shows what waits for its next try, and since when, until it is done or left to another process', async () => {
    let isAway = true
    const { store, names, done, run, shown, errors } = await following(async ({ stream }) => {
      if (stream === 'mail-4' || (isAway && stream === 'mail-2')) throw new Error('not now')
    })
    const [first] = await store.read(String(names[2]), { direction: 'forwards', max: 1 })
    const running = run()
    await expect.poll(() => shown.state()).toMatchObject({ waiting: 2, since: first?.created })
    isAway = false
    await expect.poll(() => shown.state().waiting).toBe(1)
    done.abort()
    await running
    expect(shown.state()).toEqual({ failures: errors.length, waiting: 0, since: undefined })
  })

  it('gives no slot to an event that waits for a retry, nor to one that cannot be read', async () => {
    const handled: string[] = []
    const failing = Array.from({ length: 100 }, (_, index) => `mail-${index}`)
    const { store, done, run } = await following(
      async ({ stream }) => {
        if (failing.includes(stream)) throw new Error('not now')
        handled.push(stream)
      },
      100,
      1,
    )
    const unreadable = { ...mailSent(), data: {}, metadata: { ...envelope, schema: 99 } }
    await store.append('mail-poison', [unreadable], { expected: 'any' })
    const running = run()
    await store.append('mail-other', [mailSent()], { expected: 'any' })
    await expect.poll(() => handled).toEqual(['mail-other'])
    done.abort()
    await running
  })

  it('receives at most the events in progress again when it restarts', async () => {
    let handled = 0
    const { run, done, store, checkpoints } = await following(async () => void (handled += 1))
    const running = run()
    await expect.poll(async () => (await checkpoints.load('test')) === (await store.head())).toBe(true)
    done.abort()
    await running
    const again = new AbortController()
    const second = followEvents({
      store,
      checkpoints,
      name: 'test',
      streams: [mailStream],
      handle: async () => void (handled += 1),
      onError: () => {},
      signal: again.signal,
    })
    await store.append('mail-9', [mailSent()], { expected: 'any' })
    await expect.poll(() => handled).toBe(21)
    again.abort()
    await second
  })
})
