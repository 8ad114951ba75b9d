import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../rounds.ts'
import type { OpenFeed, RevocationSource } from '../src/feed/index.ts'
import { testFeed } from '../src/testing/index.ts'
import { atEnd, follow, grant, until } from './following.ts'

/** What stands between an issuer and its reader: it gives what it likes of a source, and says what it was asked for. */
function relay(source: RevocationSource, isGiven: (jws: string) => boolean) {
  const asked: Pick<OpenFeed, 'cursor' | 'after'>[] = []
  async function* open(options: OpenFeed) {
    asked.push({ cursor: options.cursor, after: options.after })
    for await (const items of source.open(options)) {
      const given = items.filter(({ jws }) => isGiven(jws))
      if (given.length > 0) yield given
    }
  }
  return { name: 'relay', asked, open }
}

const claimsOf = (jws: string): { events?: Record<string, unknown>; sub_id?: { id?: string } } =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString())

/** Whether a message is a notice that ended one of these grants. */
const endsOne = (jws: string, gids: ReadonlySet<string>): boolean => gids.has(claimsOf(jws).sub_id?.id ?? '')

describe('a relay that withholds notices and forwards heartbeats', () => {
  it('is detected by the next heartbeat: the reader reads a snapshot, and is not ready before', async () => {
    const feed = await testFeed()
    const held = new Set(['b'])
    const source = relay(feed.source({ begins: 'snapshot' }), (jws) => !endsOne(jws, held))
    const { follower, isDead, reasons } = follow({ sources: [source] }, feed.keyFor)
    atEnd(feed.beat(5))
    await follower.ready()
    await feed.end(grant('a'))
    await until(() => isDead('a'))
    await feed.end(grant('b'))
    await until(() => isDead('b'))
    expect(source.asked).toEqual([{}, {}])
    expect(reasons()).toEqual([`BrokenFeed: the notice at position ${feed.position} is missing`])
  })

  it('keeps a reader of a topic from being ready until another source has the missing notice', async () => {
    const feed = await testFeed()
    const held = new Set(['b'])
    for (const each of ['a', 'b', 'c']) await feed.end(grant(each))
    const topic = relay(feed.source(), (jws) => !endsOne(jws, held))
    let isThere = false
    const snapshots = feed.source({ begins: 'snapshot' })
    const other: RevocationSource = {
      name: 'other',
      async *open(asked) {
        if (isThere) yield* snapshots.open(asked)
      },
    }
    const sources = [topic, other] as const
    const { follower, isDead } = follow({ sources, failoverAfterMs: 50, silenceMs: 100 }, feed.keyFor)
    atEnd(feed.beat(5))
    await until(() => topic.asked.length > 3 && isDead('c'))
    expect([follower.health().isReady, follower.health().through, isDead('b')]).toEqual([false, undefined, false])
    isThere = true
    await follower.ready()
    expect(isDead('b')).toBe(true)
    // With that it is not missed any more: the topic alone is enough again.
    await until(() => follower.health().source === 'relay')
  })

  it('never makes a reader ready without the notices that it withholds', async () => {
    const step = fc.constantFrom('end', 'hold', 'pass', 'heartbeat', 'wait', 'old')
    const begins = fc.constantFrom('beginning' as const, 'snapshot' as const)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), begins, async (steps, how) => {
        const feed = await testFeed()
        let isHolding = false
        const held = new Set<string>()
        const source = relay(feed.source({ begins: how, batch: 2 }), (jws) => !endsOne(jws, held))
        const { follower, isDead } = follow({ sources: [source] }, feed.keyFor)
        const ended: { readonly gid: string; readonly position: string }[] = []
        const expectNothingMissed = () => {
          const { through } = follower.health()
          const known = ended.filter(({ position }) => through !== undefined && position <= through)
          expect(known.filter(({ gid }) => !isDead(gid))).toEqual([])
        }
        for (const [nth, each] of steps.entries()) {
          if (each === 'hold' || each === 'pass') isHolding = each === 'hold'
          if (each === 'pass') held.clear()
          if (each === 'heartbeat') await feed.heartbeat()
          if (each === 'old') await feed.heartbeat(Date.now() - 10_000)
          if (each === 'wait') await sleep(3)
          if (each === 'end') {
            const gid = `g${nth}`
            if (isHolding) held.add(gid)
            ended.push({ gid, position: (await feed.end(grant(gid))).position })
          }
          expectNothingMissed()
        }
        held.clear()
        const stop = feed.beat(5)
        while (!(follower.health().isReady && follower.health().through === feed.position)) {
          expectNothingMissed()
          await sleep(2)
        }
        stop()
        expect(ended.filter(({ gid }) => !isDead(gid))).toEqual([])
        await follower.close()
      }),
      { numRuns: rounds({ quick: 20, long: 100, soak: 1_000 }) },
    )
  })

  it('is not suspected if an older issuer sends no predecessors, also during a rolling update', async () => {
    let isNew = false
    const feed = await testFeed({ isLinked: () => isNew })
    const source = relay(feed.source({ begins: 'snapshot' }), () => true)
    const topic = relay(feed.source(), () => true)
    const readers = [source, topic].map((each) => follow({ sources: [each] }, feed.keyFor))
    for (let nth = 0; nth < 30; nth += 1) {
      isNew = nth % 3 === 1
      await feed.end(grant(`g${nth}`))
      isNew = nth % 2 === 1
      await feed.heartbeat()
    }
    await Promise.all(readers.map(({ follower }) => follower.ready()))
    for (const { isDead } of readers) await until(() => isDead('g29'))
    expect([source.asked.length, topic.asked.length]).toEqual([1, 1])
  })
})
