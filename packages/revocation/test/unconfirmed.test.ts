import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FeedItem, OpenFeed, RevocationSource } from '../src/feed/index.ts'
import { testFeed, testSigner } from '../src/testing/index.ts'
import { atEnd, follow, grant, until } from './following.ts'

/** A source as it is, but for what it knows of the heartbeats in it. */
function knowing(source: RevocationSource, confirms: () => boolean) {
  const openings: OpenFeed[] = []
  async function* open(asked: OpenFeed): AsyncGenerator<readonly FeedItem[], void> {
    openings.push(asked)
    for await (const items of source.open(asked))
      yield items.map((item) => (confirms() ? item : { ...item, confirms: false }))
  }
  return { name: source.name, openings, open }
}

describe('a source whose heartbeats confirm nothing', () => {
  it('does not make a follower ready, though its notices count, until one confirms', async () => {
    const feed = await testFeed()
    let isWhole = false
    const { follower, isDead, reasons } = follow({ sources: [knowing(feed.source(), () => isWhole)] }, feed.keyFor)
    await feed.heartbeat()
    await feed.end(grant('a'))
    await until(() => isDead('a'))
    expect(follower.health()).toMatchObject({ isReady: false, isCaughtUp: false, stalenessMs: Infinity })
    expect(reasons()).toEqual(['Error: a current heartbeat confirms nothing: messages before it are missing'])
    isWhole = true
    await feed.heartbeat()
    await follower.ready()
  })

  it('is not reported for old heartbeats, which a new reader skips', async () => {
    const feed = await testFeed()
    const sources = [knowing(feed.source(), () => false)] as const
    const { isDead, reasons } = follow({ sources, failoverAfterMs: 5_000 }, feed.keyFor)
    await feed.heartbeat(Date.now() - 60_000)
    await feed.heartbeat(Date.now() + 60_000)
    await feed.end(grant('a'))
    await until(() => isDead('a'))
    expect(reasons()).toEqual([])
  })

  it.each(['nothing', 'notices'])(
    'is given up and begun again where it was, though %s come with them',
    async (also) => {
      const feed = await testFeed()
      const source = knowing(feed.source(), () => false)
      const { reasons } = follow({ sources: [source], silenceMs: 100 }, feed.keyFor)
      atEnd(feed.beat(5))
      // On a busy machine the first ones may end before anything was heard.
      const from = () => source.openings.map(({ cursor }) => cursor)
      const fromSomewhere = () => from().slice(from().findIndex((cursor) => cursor !== undefined))
      for (let nth = 0; source.openings.length < 3 || from().at(-1) === undefined; nth += 1) {
        if (also === 'notices') await feed.end(grant(`g${nth}`))
        await sleep(5)
      }
      expect(reasons()).toContain('SilentFeed: no sign of life in 100 ms')
      expect(fromSomewhere()).not.toContain(undefined)
    },
  )

  it('is reconnected after longer and longer pauses', async () => {
    const feed = await testFeed()
    const source = knowing(feed.source(), () => false)
    const backoffMs = { first: 50, longest: 100_000 }
    follow({ sources: [source], silenceMs: 20, backoffMs, random: () => 1 }, feed.keyFor)
    atEnd(feed.beat(5))
    const began = performance.now()
    await until(() => source.openings.length === 4)
    expect(performance.now() - began).toBeGreaterThan(50 + 100 + 200)
  })

  it('is replaced by its fallback until its heartbeats confirm again', async () => {
    const feed = await testFeed()
    let isWhole = true
    const primary = knowing(feed.source({ name: 'kafka' }), () => isWhole)
    const fallback = feed.source({ name: 'http', begins: 'snapshot' })
    const options = { sources: [primary, fallback] as const, failoverAfterMs: 200, silenceMs: 100 }
    const { follower, isDead } = follow(options, feed.keyFor)
    atEnd(feed.beat(5))
    await follower.ready()
    isWhole = false
    await until(() => follower.health().source === 'http')
    await feed.end(grant('a'))
    await until(() => isDead('a') && follower.health().through === feed.position)
    isWhole = true
    await until(() => follower.health().source === 'kafka')
  })

  it('confirms with a complete snapshot nevertheless', async () => {
    const feed = await testFeed()
    await feed.end(grant('a'))
    const source = knowing(feed.source({ begins: 'snapshot' }), () => false)
    const { follower, isDead } = follow({ sources: [source] }, feed.keyFor)
    await follower.ready()
    expect(isDead('a')).toBe(true)
  })
})

const signer = await testSigner()
const anyStep = fc.constantFrom('notice' as const, 'lost' as const, 'heartbeat' as const, 'sent again' as const)

/** Whether everything up to the confirmed place is known, when some notices never come and the source knows it or not. */
const nothingIsMissed = (knows: boolean) =>
  fc.check(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 30 }), async (steps) => {
      const feed = await testFeed({ signer })
      const items: FeedItem[] = []
      const missing = new Set<string>()
      const lives: { readonly id: string; readonly position: string }[] = []
      const add = (jws: string, confirms: boolean) =>
        items.push({ jws, cursor: String(items.length), ...(confirms ? {} : { confirms: false }) })
      for (const [nth, step] of steps.entries()) {
        if (step === 'notice' || step === 'lost') {
          const notice = await feed.end(grant(`g${nth}`))
          lives.push({ id: `g${nth}`, position: feed.position })
          if (step === 'lost') missing.add(await feed.sign(notice))
          else add(await feed.sign(notice), true)
        } else if (step === 'heartbeat') {
          const jws = await feed.sign({ kind: 'heartbeat', through: feed.position, at: Date.now() })
          add(jws, missing.size === 0 || !knows)
        } else {
          for (const jws of missing) add(jws, true)
          missing.clear()
        }
      }
      let isGiven = false
      async function* open({ signal }: OpenFeed) {
        for (const item of items) yield [item]
        isGiven = true
        await once(signal, 'abort')
      }
      const { follower, isDead } = follow({ sources: [{ name: 'it', open }] }, signer.keyFor)
      await until(() => isGiven)
      const through = follower.health().through ?? ''
      const missed = lives.filter(({ id, position }) => position <= through && !isDead(id))
      await follower.close()
      expect(missed).toEqual([])
    }),
    { numRuns: 150, endOnFailure: true },
  )

it('nothing is missed up to where a heartbeat was taken, whatever is lost and sent again', async () => {
  expect(await nothingIsMissed(true)).toMatchObject({ failed: false })
})

it('control: where the source does not say what its heartbeats lack, something is missed', async () => {
  expect(await nothingIsMissed(false)).toMatchObject({ failed: true })
})
