import { describe, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Notice, SET_TYPE } from '../src/statement/index.ts'
import { revocationIndex } from '../src/revocation-index/index.ts'
import { type RevocationSource } from '../src/feed/index.ts'
import { testFeed, testSigner } from '../src/testing/index.ts'
import { ISSUER } from './arbitrary.ts'
import { atEnd, follow, grant, until } from './following.ts'

describe('a follower', () => {
  it('is not ready by heartbeats after an invalid snapshot', async () => {
    const [feed, other] = [await testFeed(), await testFeed()]
    await feed.end(grant('a'))
    const chunk = { kind: 'chunk', snapshot: 's', index: 0, count: 1, through: '', at: Date.now(), ended: [] } as const
    const forged = await other.sign(chunk)
    const stream = feed.source({ begins: 'snapshot' })
    let openings = 0
    const source: RevocationSource = {
      name: 'relay',
      async *open(asked) {
        openings += 1
        if (openings <= 3) yield [{ jws: forged, cursor: feed.position, isPart: true }]
        yield* stream.open(openings > 3 ? asked : { ...asked, after: feed.position })
      },
    }
    const { follower, isDead, reasons } = follow({ sources: [source] }, feed.keyFor)
    atEnd(feed.beat(5))
    await follower.ready()
    expect([openings, isDead('a')]).toEqual([4, true])
    expect(reasons()).toContain('BrokenFeed: a snapshot contains a message that is no part of it')
  })

  it.each(['beginning', 'snapshot'] as const)(
    'that begins with a %s is ready once everything is in',
    async (begins) => {
      const feed = await testFeed({ chunk: 2 })
      for (const id of ['a', 'b', 'c', 'd', 'e']) await feed.end(grant(id))
      const { follower, isDead } = follow({ sources: [feed.source({ begins, name: 'it' })] }, feed.keyFor)
      expect(follower.health()).toMatchObject({ isReady: false, isCaughtUp: false, stalenessMs: Infinity })
      await feed.heartbeat()
      await follower.ready()
      expect(['a', 'b', 'c', 'd', 'e', 'f'].map(isDead)).toEqual([true, true, true, true, true, false])
      expect(follower.health()).toMatchObject({ isReady: true, through: feed.position, source: 'it', entries: 5 })
      await feed.end(grant('f'))
      await until(() => isDead('f'))
    },
  )

  it('reports each revocation once, with its notice', async () => {
    const feed = await testFeed()
    const { heard, isDead } = follow({ sources: [feed.source()] }, feed.keyFor)
    const first = await feed.end(grant('a'))
    await feed.end(grant('a'))
    const second = await feed.end(grant('b'))
    await until(() => isDead('b'))
    expect(heard).toEqual([first, second])
  })

  it('is not stopped by a listener that throws', async () => {
    const feed = await testFeed()
    const fail = () => {
      throw new Error('mine')
    }
    const { isDead } = follow({ sources: [feed.source()], onRevoked: fail, onTrouble: fail }, feed.keyFor)
    await feed.end(grant('a'))
    await feed.end(grant('b'))
    await until(() => isDead('b'))
  })

  it('skips and counts messages that are no statements of the issuer', async () => {
    const feed = await testFeed()
    const stranger = await testFeed({ signer: await testSigner({ kid: 'feed-1' }) })
    const nobody = await testFeed({ signer: await testSigner({ kid: 'feed-9' }) })
    const elsewhere = await testFeed({ issuer: 'https://other.test', signer: feed.signer })
    const source = feed.source()
    const { follower, isDead, reasons, index } = follow({ sources: [source] }, feed.keyFor)
    const made = await feed.end(grant('a'))
    const genuine = await feed.sign(made)
    const poison: [string, string][] = [
      [await stranger.sign({ ...made, ended: grant('x') } as Notice), 'signature'],
      [await nobody.sign(made), 'unknown_key'],
      [await elsewhere.sign(made), 'issuer'],
      [`${genuine.slice(0, -9)}${'A'.repeat(9)}`, 'signature'],
      [await feed.signer.forge({ typ: 'at+jwt' }, '{}'), 'typ'],
      [await feed.signer.forge({ typ: SET_TYPE }, '{"iss":"https://issuer.test"}'), 'payload'],
      ['x'.repeat(10_000_000), 'too_large'],
      ['', 'malformed'],
    ]
    source.push(...poison.map(([jws]) => jws))
    await feed.end(grant('b'))
    await feed.heartbeat()
    await follower.ready()
    expect(reasons()).toEqual(poison.map(([, reason]) => reason))
    expect(follower.health()).toMatchObject({ refused: poison.length, applied: 2, isReady: true })
    expect(['a', 'b', 'x'].map(isDead)).toEqual([true, true, false])
    expect(index.size).toBe(2)
  })

  it('accepts statements of a newer issuer', async () => {
    const feed = await testFeed()
    const source = feed.source()
    const { follower } = follow({ sources: [source] }, feed.keyFor)
    const claims = { iss: ISSUER, iat: 1, jti: 'j', sub_id: {}, events: { 'urn:new': {} } }
    source.push(await feed.signer.sign({ typ: SET_TYPE }, claims))
    await feed.heartbeat()
    await follower.ready()
    expect(follower.health()).toMatchObject({ unknown: 1, refused: 0 })
  })

  it('applies and confirms nothing after a notice whose key cannot be looked up', async () => {
    const feed = await testFeed()
    let isDown = true
    const keyFor: typeof feed.keyFor = (kid) => (isDown ? Promise.reject(new Error('no key set')) : feed.keyFor(kid))
    const { follower, isDead, reasons } = follow({ sources: [feed.source()] }, keyFor)
    await feed.end(grant('a'))
    await feed.heartbeat()
    await until(() => reasons().length > 2)
    expect(reasons()[0]).toBe('Error: no key set')
    expect(follower.health()).toMatchObject({ isReady: false, isCaughtUp: false, refused: 0 })
    isDown = false
    await follower.ready()
    expect(isDead('a')).toBe(true)
  })

  it('control: if the key is reported as nonexistent, the next heartbeat confirms without the notice', async () => {
    const feed = await testFeed({ isLinked: () => false })
    let asked = 0
    const keyFor: typeof feed.keyFor = async (kid) => ((asked += 1) === 1 ? undefined : feed.keyFor(kid))
    const { follower, isDead } = follow({ sources: [feed.source()] }, keyFor)
    await feed.end(grant('a'))
    await feed.heartbeat()
    await follower.ready()
    expect(isDead('a')).toBe(false)
  })

  it('is not made ready by old heartbeats, or by those from the future', async () => {
    const feed = await testFeed()
    const { follower, isDead, reasons } = follow({ sources: [feed.source()] }, feed.keyFor)
    await feed.heartbeat(Date.now() - 60_000)
    await feed.heartbeat(Date.now() + 60_000)
    await feed.end(grant('a'))
    await until(() => isDead('a'))
    expect(follower.health()).toMatchObject({ isReady: false, isCaughtUp: false })
    expect(follower.health().stalenessMs).toBeGreaterThanOrEqual(60_000)
    expect(reasons()[0]).toMatch(/ahead/)
  })

  it('is not made ready by a heartbeat from before its start, however fresh: newer notices may follow it', async () => {
    const feed = await testFeed()
    await feed.heartbeat()
    await sleep(5)
    const { follower, isDead } = follow({ sources: [feed.source()] }, feed.keyFor)
    await until(() => follower.health().stalenessMs < 5_000)
    expect(follower.health()).toMatchObject({ isReady: false, isCaughtUp: false })
    await feed.end(grant('a'))
    await feed.heartbeat()
    await follower.ready()
    expect(isDead('a')).toBe(true)
  })

  it('is not ready while its feed is stale, and is ready again afterwards', async () => {
    const feed = await testFeed()
    const time = { wall: Date.now(), monotonic: 0 }
    const clock = { wall: () => time.wall, monotonic: () => time.monotonic }
    const { follower } = follow({ sources: [feed.source()], clock }, feed.keyFor)
    await feed.heartbeat(time.wall)
    await follower.ready()
    time.monotonic += 15_000
    expect(follower.health().isReady).toBe(true)
    time.monotonic += 1
    expect(follower.health()).toMatchObject({ isReady: false, isCaughtUp: true, stalenessMs: 15_001 })
    await feed.heartbeat((time.wall += 15_001))
    await follower.ready()
  })

  it('waits to be ready until its caller gives up or it is closed', async () => {
    const feed = await testFeed()
    const { follower } = follow({ sources: [feed.source()] }, feed.keyFor)
    const caller = new AbortController()
    const waiting = follower.ready(caller.signal)
    const other = follower.ready()
    caller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    const closing = follower.close()
    await expect(other).rejects.toThrow('closed')
    await expect(follower.ready()).rejects.toThrow('closed')
    await closing
  })
})

it('applies nothing more once it is closed', async () => {
  const feed = await testFeed()
  for (const id of ['a', 'b', 'c']) await feed.end(grant(id))
  const index = revocationIndex()
  const closing: Promise<void>[] = []
  const { follower } = follow(
    { sources: [feed.source()], index, onRevoked: () => closing.push(follower.close()) },
    feed.keyFor,
  )
  await until(() => closing.length > 0)
  await Promise.all(closing)
  expect(index.size).toBe(1)
})

it('a follower over an existing index is ready only once it has caught up', async () => {
  const feed = await testFeed()
  const index = revocationIndex()
  await feed.end(grant('a'))
  const first = follow({ sources: [feed.source()], index }, feed.keyFor)
  await until(() => first.isDead('a'))
  await first.follower.close()
  const second = follow({ sources: [feed.source()], index }, feed.keyFor)
  expect(second.isDead('a')).toBe(true)
  expect(second.follower.health().isReady).toBe(false)
  await feed.heartbeat()
  await second.follower.ready()
})

it('closing does not wait for a source whose cleanup hangs', async () => {
  const feed = await testFeed()
  const never = new Promise<never>(() => undefined)
  let opened = 0
  const source: RevocationSource = {
    name: 'stuck',
    open: () => ({
      [Symbol.asyncIterator]: () => {
        opened += 1
        return { next: () => never, return: () => never }
      },
    }),
  }
  const { follower } = follow({ sources: [source] }, feed.keyFor)
  await until(() => opened > 0)
  await follower.close()
})
