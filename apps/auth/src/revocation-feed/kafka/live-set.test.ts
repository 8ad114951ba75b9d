import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inMemoryEventStore, START } from '@ledgate/eventsourcing'
import { CHUNK_SIZE, type Ended, openStatements } from '@ledgate/revocation'
import { testSigner } from '@ledgate/revocation/testing'
import { inMemorySealer } from '@ledgate/vault/testing'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { rounds } from '../../../../../rounds.ts'
import { openLocalViews } from '../../compose/views.ts'
import { decode, type DomainEvent } from '../../catalogue/index.ts'
import { type Choice, type HistoryStep, generateHistory, toNewEvent } from '../../testing/history.ts'
import { ISSUER } from '../../testing/household.ts'
import { createHandClock } from '../../testing/parts.ts'
import { openLiveSet } from './live-set.ts'
import { noticeOf } from '../notice.ts'
import { openSnapshots } from '../snapshot.ts'

const ISSUER_EPOCH = 3
const FACTS = { issuer: ISSUER, tokenCap: 3600 }

/** Views over a log in memory, and whoever signs what they hold. */
async function world() {
  const clock = createHandClock()
  const store = inMemoryEventStore({ clock: clock.nowMs })
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-live-'))
  const views = await openLocalViews({ viewsFile: join(folder, 'views.db'), store, sealer: inMemorySealer() })
  const close = async () => {
    await views.close()
    rmSync(folder, { recursive: true, force: true })
  }
  const keys = await testSigner()
  const options = {
    issuer: ISSUER,
    issuerEpoch: async () => ISSUER_EPOCH,
    tokenCap: async () => FACTS.tokenCap,
    store,
    readBarrier: () => store.head(),
    views,
    keys: { read: async () => ({ signer: keys }) },
    clock,
  }
  const { open } = openStatements({ issuer: ISSUER, keyFor: keys.keyFor })
  return { clock, store, views, options, open, close }
}

type World = Awaited<ReturnType<typeof world>>
let appended = 0

const append = ({ store }: World, step: HistoryStep) =>
  store.append(step.stream, [toNewEvent(step, (appended += 1))], { expected: 'any' })

const system = { type: 'system', id: 'test' } as const
const revoked = (jti: string, exp: number): HistoryStep => ({
  stream: `service-batch-${jti}`,
  event: { type: 'ServiceTokenRevoked', data: { jti, client_id: 'batch', exp } } satisfies DomainEvent,
  actor: system,
})

/** What whoever heard every notice knows: the highest epoch and the latest end of each. */
async function heard({ store, clock }: World): Promise<readonly string[]> {
  const all = new Map<string, Ended>()
  for await (const recorded of store.readAll()) {
    const event = decode(recorded)
    const ended = (event && noticeOf(event, { ...FACTS, issuerEpoch: ISSUER_EPOCH }))?.ended
    if (ended === undefined) continue
    const name = `${ended.scope} ${ended.id}`
    const before = all.get(name)
    const until = Math.max(ended.until, before?.until ?? 0)
    const epochs = [ended, before].flatMap((each) => (each !== undefined && 'epoch' in each ? [each.epoch] : []))
    all.set(name, 'epoch' in ended ? { ...ended, until, epoch: Math.max(...epochs) } : { ...ended, until })
  }
  return sorted([...all.values()].filter(({ until }) => until > clock.now()))
}

const sorted = (all: readonly Ended[]) =>
  all
    .map((each) => {
      const epochs = 'epoch' in each ? [each.epoch] : []
      const counted = 'issuer_epoch' in each ? [each.issuer_epoch] : []
      return [each.scope, each.id, each.until, ...epochs, ...counted].join(' ')
    })
    .sort()

async function inSnapshot({ options, open }: World) {
  const chunks = []
  for await (const jws of await openSnapshots(options).take()) chunks.push(await open(jws))
  return chunks.flatMap((chunk) => (chunk.kind === 'chunk' ? [chunk] : []))
}

async function inLiveSet({ options, open }: World, after = START) {
  const { through, batches } = await openLiveSet(options, after)
  const notices = []
  for await (const batch of batches) for (const { jws } of batch) notices.push(await open(jws))
  return { through, notices: notices.flatMap((each) => (each.kind === 'notice' ? [each] : [])) }
}

const choices = fc.array(fc.record({ what: fc.nat(799), user: fc.nat(6), client: fc.nat(3), which: fc.nat(999) }), {
  maxLength: 120,
}) satisfies fc.Arbitrary<Choice[]>

describe('what has ended and still matters', () => {
  it('is the same in a snapshot and in a live set as for a reader of every notice', async () => {
    await fc.assert(
      fc.asyncProperty(choices, fc.nat(60), async (all, seconds) => {
        const here = await world()
        const { next } = generateHistory()
        for (const [index, choice] of all.entries()) {
          const step = next(choice)
          if (step !== undefined) await append(here, step)
          if (index % 5 === 0) here.clock.advance(seconds)
        }
        const expected = await heard(here)
        const chunks = await inSnapshot(here)
        expect(sorted(chunks.flatMap(({ ended }) => ended))).toEqual(expected)
        expect(chunks[0]?.through).toBe(await here.store.head())
        const { notices, through } = await inLiveSet(here)
        expect(sorted(notices.map(({ ended }) => ended))).toEqual(expected)
        expect(through).toBe(await here.store.head())
        expect(notices.map(({ position }) => position)).toEqual(notices.map(({ position }) => position).sort())
        await here.close()
      }),
      { numRuns: rounds({ quick: 8, long: 100 }) },
    )
  })

  it('is forgotten once nothing of before can live, whatever the cap is, and then leaves the file', async () => {
    const here = await world()
    onTestFinished(here.close)
    await append(here, revoked('one', here.clock.now() + 300))
    here.clock.advance(359)
    expect(await heard(here)).toHaveLength(1)
    expect((await inSnapshot(here))[0]?.ended).toHaveLength(1)
    here.clock.advance(1)
    expect((await inSnapshot(here))[0]?.ended).toEqual([])
    await append(here, revoked('two', here.clock.now() + 300))
    await inSnapshot(here)
    const live = here.views.revocations.open()
    expect(live.size).toBe(1)
    live.close()
  })

  it('after a position is what was published after it', async () => {
    const here = await world()
    onTestFinished(here.close)
    const exp = here.clock.now() + 300
    await append(here, revoked('one', exp))
    const { position } = await append(here, revoked('two', exp))
    await append(here, revoked('three', exp))
    const { notices } = await inLiveSet(here, position)
    expect(notices.map(({ ended }) => ended.id)).toEqual(['three'])
  })

  it('is of one moment, however many chunks it has, and lets others have their turn', async () => {
    const here = await world()
    onTestFinished(here.close)
    const exp = here.clock.now() + 300
    const many = 2 * CHUNK_SIZE + 5
    for (let count = 0; count < many; count += 100) {
      const events = Array.from({ length: Math.min(100, many - count) }, (_, index) =>
        toNewEvent(revoked(`token-${count + index}`, exp), (appended += 1)),
      )
      await here.store.append(`service-many-${count}`, events, { expected: 'noStream' })
    }
    expect(await here.views.waitFor(await here.store.head(), 60_000, ['revocations'])).toBe(true)
    const taking = await openSnapshots(here.options).take()
    const first = await here.open((await taking.next()).value ?? '')
    await append(here, revoked('late', exp))
    expect(await here.views.waitFor(await here.store.head(), 30_000, ['revocations'])).toBe(true)
    let turns = 0
    const turning = setInterval(() => (turns += 1), 1)
    const rest = []
    for await (const jws of taking) rest.push(await here.open(jws))
    clearInterval(turning)
    const chunks = [first, ...rest].flatMap((each) => (each.kind === 'chunk' ? [each] : []))
    expect(chunks.map(({ index, count }) => `${index} of ${count}`)).toEqual(['0 of 3', '1 of 3', '2 of 3'])
    expect(new Set(chunks.map(({ snapshot, through, at }) => `${snapshot} ${through} ${at}`)).size).toBe(1)
    expect(new Set(chunks.flatMap(({ ended }) => ended.map(({ id }) => id))).size).toBe(many)
    expect(turns).toBeGreaterThan(0)
  })

  it('is taken by a few at the same time, and by others when those are done, or have left', async () => {
    const here = await world()
    onTestFinished(here.close)
    const { take } = openSnapshots(here.options)
    const taken = [await take(), await take(), await take(), await take()]
    await expect(take()).rejects.toThrow('too many')
    await taken[0]?.return()
    await expect(take()).resolves.toBeDefined()
    await expect(take()).rejects.toThrow('too many')
    for await (const chunk of taken[1] ?? []) expect(chunk).not.toBe('')
    await expect(take()).resolves.toBeDefined()
  })
})
