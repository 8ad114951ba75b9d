import { setTimeout as pause } from 'node:timers/promises'
import { type EventStore, inMemoryEventStore, keptPosition, type Position, START } from '@ledgate/eventsourcing'
import { ClientMetadata, NewResourceMetadata } from '@ledgate/oauth'
import { openStatements, type Publication, SILENCE_MS } from '@ledgate/revocation'
import { testSigner } from '@ledgate/revocation/testing'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { toNewEvent } from '../testing/history.ts'
import { ISSUER } from '../testing/household.ts'
import { command, createHandClock, openParts } from '../testing/parts.ts'
import { openRevocationFeed } from './feed.ts'
import type { FeedOptions } from './feed-options.ts'
import { PositionExpired } from './position-expired.ts'
import { TooSlow } from './too-slow.ts'
import { serviceStream } from '../grant/index.ts'

const HEX = '0123456789abcdef0123456789abcdef'
let made = 0

/** An event that ends a token of a service, or one that ends nothing. */
function eventOf(isEnding: boolean) {
  made += 1
  const jti = `token-${made}`
  const data = isEnding
    ? { jti, client_id: 'batch', exp: 1_790_000_300 }
    : { reservation_id: HEX, reason: 'a test', number: made }
  const metadata = {
    schema: 1,
    $correlationId: `request-${made}`,
    $causationId: HEX,
    actor: { type: 'system', id: 't' },
  }
  const type = isEnding ? 'ServiceTokenRevoked' : 'EmailReleased'
  return { jti, event: { id: crypto.randomUUID(), type, data, metadata } }
}

const SYSTEM = { type: 'system', id: 't' } as const

/** A feed over a log in memory, until the test ends. */
async function open(options: Partial<FeedOptions> = {}) {
  const clock = createHandClock()
  const store = options.store === undefined ? inMemoryEventStore({ clock: clock.nowMs }) : (options.store as EventStore)
  const keys = await turningKeys()
  const errors: unknown[] = []
  const feed = openRevocationFeed({
    store,
    readBarrier: () => store.head(),
    keys,
    issuer: ISSUER,
    issuerEpoch: async () => 0,
    tokenCap: async () => 3600,
    clock,
    onError: (error) => errors.push(error),
    everyMs: 5,
    ...options,
  })
  const stopping = new AbortController()
  const running = feed.run(stopping.signal)
  onTestFinished(async () => {
    stopping.abort()
    await running
  })

  async function append(isEnding = true): Promise<{ jti: string; position: Position }> {
    const { jti, event } = eventOf(isEnding)
    const { position } = await store.append(`service-batch-${jti}`, [event], { expected: 'noStream' })
    return { jti, position }
  }

  /** Follows until enough was given. */
  async function follow(after: Position | undefined, enough: (items: readonly Publication[]) => boolean) {
    const items: Publication[] = []
    const leave = new AbortController()
    for await (const item of feed.follow(after, leave.signal)) {
      items.push(item)
      if (enough(items)) break
    }
    leave.abort()
    return items
  }
  return { clock, store, keys, errors, feed, append, follow }
}

/** Keys of which the one that signs can be taken away. */
async function turningKeys() {
  const signers = [await testSigner({ kid: 'feed-1' }), await testSigner({ kid: 'feed-2' })]
  let current = 0
  return {
    async read() {
      const signer = signers[current]
      if (signer === undefined) throw new Error('no key is left')
      return { signer, publicKey: (kid: string) => (kid === signer.kid ? kid : undefined) }
    },
    compromise: () => void (current += 1),
    keyFor: async (kid: string) => signers.find((signer) => signer.kid === kid)?.keyFor(kid),
  }
}

const notices = (items: readonly Publication[]) => items.filter(({ kind }) => kind === 'notice')
const isHeartbeat = ({ kind }: Publication) => kind === 'heartbeat'

/** Positions that a heartbeat vouches for and that did not come before it. */
function broken(items: readonly Publication[], all: readonly Position[], from: Position): readonly string[] {
  return items.flatMap((item, index) => {
    if (!isHeartbeat(item)) return []
    const known = new Set(items.slice(0, index).map(({ position }) => position))
    return all.filter((each) => each > from && each <= item.position && !known.has(each))
  })
}

describe('the feed', () => {
  it('states the issuer epoch of the log at each event: first the value it read, then the one from events', async () => {
    const { store, follow, keys } = await open({ issuerEpoch: async () => 2 })
    const metadata = ClientMetadata.parse({})
    const client = { client_id: 'web', client_id_issued_at: 1, epoch: 7, disabled: true, metadata, secrets: [] }
    const disabled = { type: 'ClientDisabled', data: { reason: 'a test', client } } as const
    const raised = { type: 'IssuerEpochRaised', data: { reason: 'a test', installation: { issuer_epoch: 5 } } } as const
    const [heartbeat] = await follow(undefined, (items) => items.length > 0)
    for (const [nth, event] of [disabled, raised, disabled].entries())
      await store.append(`test-${nth}`, [toNewEvent({ stream: '', event, actor: SYSTEM }, `epoch-${nth}`)], {
        expected: 'any',
      })
    const items = await follow(keptPosition(store, heartbeat?.position ?? ''), (all) => notices(all).length === 3)
    const { open: read } = openStatements({ issuer: ISSUER, keyFor: keys.keyFor })
    const said = await Promise.all(notices(items).map(({ jws }) => read(jws)))
    expect(said).toMatchObject([
      { ended: { scope: 'client', epoch: 7, issuer_epoch: 2 } },
      { ended: { scope: 'issuer', epoch: 5 } },
      { ended: { scope: 'client', epoch: 7, issuer_epoch: 5 } },
    ])
  })

  it('publishes every event that revokes something once, in the order of the log, and nothing else', async () => {
    const { append, follow, store, keys } = await open()
    const after = (await append(false)).position
    await follow(undefined, (items) => items.length > 0)
    const ids: string[] = []
    for (let count = 0; count < 30; count += 1) {
      const { jti } = await append(count % 3 !== 0)
      if (count % 3 !== 0) ids.push(jti)
    }
    const items = notices(await follow(after, (seen) => notices(seen).length >= ids.length))
    const { open: opened } = openStatements({ issuer: ISSUER, keyFor: keys.keyFor })
    const said = await Promise.all(items.map(async ({ jws }) => opened(jws)))
    expect(said.map((each) => (each.kind === 'notice' ? each.ended.id : each.kind))).toEqual(ids)
    expect(said[0]).toMatchObject({ kind: 'notice', position: items[0]?.position, ended: { scope: 'jti' } })
    expect(items.at(-1)?.position).toBe(await store.head())
  })

  it('starts with a heartbeat for a reader without a position, followed by everything that it does not confirm', async () => {
    const { append, follow } = await open()
    await append()
    const items = await follow(undefined, (seen) => seen.length > 2)
    expect(items[0]?.kind).toBe('heartbeat')
  })

  it('vouches for nothing that did not come before, however slow signing is and however often reading breaks', async () => {
    const steps = fc.array(fc.record({ isEnding: fc.boolean(), rest: fc.nat(3) }), { minLength: 1, maxLength: 40 })
    const delays = fc.infiniteStream(fc.nat(4))
    const failures = fc.infiniteStream(fc.nat(12))
    await fc.assert(
      fc.asyncProperty(steps, delays, failures, async (all, delay, failure) => {
        const log = inMemoryEventStore()
        const signer = await testSigner()
        const next = (stream: Iterator<number>) => Number(stream.next().value)
        const slow = {
          kid: signer.kid,
          async sign(header: { typ: string }, payload: object) {
            await pause(next(delay))
            if (next(failure) === 0) throw new Error('the key is away')
            return signer.sign(header, payload)
          },
        }
        const keys = { read: async () => ({ signer: slow, publicKey: () => true }) }
        /** Breaks now and then. */
        const subscribe: EventStore['subscribe'] = async function* (options) {
          for await (const message of log.subscribe(options)) {
            if (next(failure) === 0) throw new Error('the connection broke')
            yield message
          }
        }
        const stop = new AbortController()
        const feed = openRevocationFeed({
          store: { subscribe, head: log.head },
          readBarrier: log.head,
          keys,
          issuer: ISSUER,
          issuerEpoch: async () => 0,
          tokenCap: async () => 3600,
          clock: createHandClock(),
          onError: () => {},
          everyMs: 1,
          againMs: 1,
        })
        const running = feed.run(stop.signal)
        const items: Publication[] = []
        const from = START
        const following = (async () => {
          for await (const item of feed.follow(from, stop.signal)) items.push(item)
        })()
        const ends: Position[] = []
        // The feed tells of what comes after it began.
        while (!(await feed.keeps(from))) throw new Error('it kept nothing')
        for (const { isEnding, rest } of all) {
          const { jti, event } = eventOf(isEnding)
          const { position } = await log.append(serviceStream.of(`batch-${jti}`), [event], { expected: 'noStream' })
          if (isEnding) ends.push(position)
          if (rest > 0) await pause(rest)
        }
        const head = await log.head()
        while (!items.some((item) => isHeartbeat(item) && item.position >= head)) await pause(1)
        stop.abort()
        await Promise.all([running, following])
        expect(broken(items, ends, from)).toEqual([])
        expect(notices(items).map(({ position }) => position)).toEqual(ends)
        // The control: a heartbeat one place too early is seen.
        const last = items.findIndex((item) => item.position === ends.at(-1))
        if (last >= 0)
          expect(
            broken(items.toSpliced(last, 0, { jws: '', kind: 'heartbeat', position: head }), ends, from),
          ).not.toEqual([])
      }),
      { numRuns: rounds({ quick: 15, long: 300 }) },
    )
  })

  it('does not vouch while the end of the log cannot be asked for, and does again afterwards', async () => {
    let isAway = true
    const store = inMemoryEventStore()
    const readBarrier = async () => {
      if (isAway) throw new Error('no majority')
      return store.head()
    }
    const { append, follow, errors } = await open({ store, readBarrier })
    const { position } = await append(false)
    while (errors.length < 3) await pause(1)
    isAway = false
    const items = await follow(undefined, (seen) => seen.length > 0)
    expect(items[0]).toMatchObject({ kind: 'heartbeat', position })
  })

  it('is expired for a reader that comes back too late, and not for others', async () => {
    const { append, follow, feed } = await open({ size: 10 })
    await follow(undefined, (items) => items.length > 0)
    const positions: Position[] = []
    for (let count = 0; count < 25; count += 1) positions.push((await append()).position)
    const end = positions.at(-1)
    await follow(undefined, (items) => items.some((item) => isHeartbeat(item) && item.position === end))
    const [before, kept] = [positions[13], positions[14]]
    if (before === undefined || kept === undefined || end === undefined) throw new Error('there are 25')
    await expect(follow(before, () => false)).rejects.toBeInstanceOf(PositionExpired)
    expect(await feed.keeps(before)).toBe(false)
    const rest = notices(await follow(kept, (items) => notices(items).length >= 10))
    expect(rest.map(({ position }) => position)).toEqual(positions.slice(15))
    expect(feed.waitingSince(kept)).toBeTypeOf('number')
    expect(feed.waitingSince(end)).toBeUndefined()
  })

  it('rejects a position that it never reaches, long before a reader gives up waiting', async () => {
    const { append, feed, follow } = await open()
    await append()
    await follow(undefined, (items) => items.length > 0)
    const longer = inMemoryEventStore()
    for (const stream of ['a-1', 'a-2', 'a-3'])
      await longer.append(stream, [eventOf(false).event], { expected: 'noStream' })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    let keeps: boolean | undefined
    void feed.keeps(await longer.head()).then((does) => (keeps = does))
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
    await vi.advanceTimersByTimeAsync(SILENCE_MS / 2)
    expect(keeps).toBe(false)
  })

  it('calls back when credentials of a resource server may have been revoked, until the signal', async () => {
    const made = openParts()
    const { feed, follow } = await open({ store: made.store })
    await follow(undefined, (items) => items.length > 0)
    const metadata = NewResourceMetadata.parse({ resource: 'https://orders.example/', scopes_supported: ['orders'] })
    await made.resources.register({ client_id: 'orders', metadata }, command())
    const leave = new AbortController()
    let [calls, others] = [0, 0]
    feed.onCredentials(() => (calls += 1), leave.signal)
    feed.onCredentials(() => (others += 1), new AbortController().signal)
    /** What a heartbeat vouches for has called back. */
    const after = async (written: Promise<{ readonly position: string }>) => {
      const { position } = await written
      await follow(undefined, (items) => items.some((item) => isHeartbeat(item) && item.position >= position))
    }
    await after(made.resources.update('orders', { ...metadata, scopes_supported: [] }, command()))
    expect(others).toBe(1)
    await after(made.resources.change('orders', { type: 'Disable', reason: 'a test' }, command()))
    expect([calls, others]).toEqual([2, 2])
    leave.abort()
    await after(made.resources.update('orders', metadata, command()))
    expect(others).toBe(3)
    expect(calls).toBe(2)
  })

  it('disconnects a reader that falls behind, and no other', async () => {
    const { append, feed, follow } = await open({ most: 20 })
    await follow(undefined, (items) => items.length > 0)
    const leave = new AbortController()
    const slow = feed.follow(undefined, leave.signal)[Symbol.asyncIterator]()
    await slow.next()
    let last: Position | undefined
    for (let count = 0; count < 60; count += 1) last = (await append()).position
    await follow(undefined, (items) => items.some(({ position }) => position === last))
    const drain = async () => {
      while ((await slow.next()).done !== true);
    }
    await expect(drain()).rejects.toBeInstanceOf(TooSlow)
    leave.abort()
  })

  it('forgets what a compromised key signed, and publishes it to no reader again', async () => {
    const { append, feed, follow, keys } = await open()
    const start = (await append(false)).position
    await follow(undefined, (items) => items.length > 0)
    const { position } = await append()
    const leave = new AbortController()
    const cut = (async () => {
      for await (const item of feed.follow(start, leave.signal)) if (notices([item]).length > 0) keys.compromise()
    })()
    await expect(cut).rejects.toBeInstanceOf(PositionExpired)
    await expect(follow(start, () => false)).rejects.toBeInstanceOf(PositionExpired)
    const next = await append()
    const items = await follow(position, (seen) => notices(seen).length > 0)
    const { open: opened } = openStatements({
      issuer: ISSUER,
      keyFor: async (kid) => (kid === 'feed-2' ? keys.keyFor(kid) : undefined),
    })
    for (const { jws } of items) await opened(jws)
    expect(notices(items).map((each) => each.position)).toEqual([next.position])
  })

  it('loses nothing that it publishes while it forgets', async () => {
    const log = inMemoryEventStore()
    let meanwhile: (() => Promise<void>) | undefined
    const head = async () => {
      const end = await log.head()
      await meanwhile?.()
      return end
    }
    const { append, feed, follow, keys } = await open({ store: { ...log, head }, readBarrier: log.head })
    const { position } = await append(false)
    await follow(undefined, (items) => items.some((item) => item.position >= position))
    const told: Position[] = []
    meanwhile = async () => {
      meanwhile = undefined
      const notice = await append()
      expect(await feed.waitUntilAnnounced(notice.position, 10_000)).toBe(true)
      told.push(notice.position)
    }
    keys.compromise()
    while (told.length === 0) await pause(1)
    const next = await append()
    expect(await feed.waitUntilAnnounced(next.position, 10_000)).toBe(true)
    // From before what is forgotten nobody goes on; from after it everybody is told everything.
    await expect(follow(position, () => false)).rejects.toBeInstanceOf(PositionExpired)
    const items = notices(await follow(told[0], (seen) => notices(seen).length > 0))
    expect(items.map((each) => each.position)).toEqual([next.position])
  })
})
