import { describe, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RevocationSource } from '../src/feed/index.ts'
import { testFeed, testSigner } from '../src/testing/index.ts'
import { ISSUER } from './arbitrary.ts'
import { atEnd, follow, grant, UNTIL, until } from './following.ts'

describe('a source', () => {
  it('that breaks, ends or cannot be opened is reconnected at its cursor', async () => {
    const feed = await testFeed()
    const source = feed.source()
    const { follower, isDead, reasons } = follow({ sources: [source] }, feed.keyFor)
    await feed.end(grant('a'))
    await until(() => isDead('a'))
    source.break(new Error('broken'))
    await until(() => source.openings.length > 3)
    await feed.end(grant('b'))
    source.mend()
    await until(() => isDead('b'))
    source.end()
    await feed.end(grant('c'))
    await until(() => isDead('c'))
    expect(source.openings[0]).toEqual({ cursor: undefined, after: undefined })
    expect(source.openings.at(-1)).toEqual({ cursor: '1', after: undefined })
    expect(reasons()).toContain('Error: broken')
    expect(reasons()).toContain('Error: the source ended the connection')
    expect(follower.health().applied).toBe(3)
  })

  it('that hangs is given up, whether it observes its signal or not, and is reconnected', async () => {
    const feed = await testFeed()
    const source = feed.source()
    const { follower, isDead, reasons } = follow({ sources: [source], silenceMs: 200 }, feed.keyFor)
    atEnd(feed.beat(5))
    await feed.end(grant('a'))
    await follower.ready()
    source.hang()
    await feed.end(grant('b'))
    await until(() => source.openings.length > 2)
    source.mend()
    await until(() => isDead('b'))
    expect(reasons()).toContain('SilentFeed: no sign of life in 200 ms')
  })

  it('needs heartbeats to count as alive once it has caught up', async () => {
    const feed = await testFeed()
    const source = feed.source()
    const { follower } = follow({ sources: [source], silenceMs: 100 }, feed.keyFor)
    await feed.heartbeat()
    await follower.ready()
    const openings = source.openings.length
    let stop = false
    atEnd(() => (stop = true))
    const talking = (async () => {
      for (let n = 0; !stop; n += 1) {
        await feed.end(grant(`g${n}`))
        await sleep(5)
      }
    })()
    await until(() => source.openings.length > openings)
    stop = true
    await talking
  })

  it('whose iterator cannot be created is reported and retried', async () => {
    const feed = await testFeed()
    let tries = 0
    const source: RevocationSource = {
      name: 'bad',
      open() {
        tries += 1
        throw new Error('cannot open')
      },
    }
    const { reasons } = follow({ sources: [source] }, feed.keyFor)
    await until(() => tries > 3)
    expect(new Set(reasons())).toEqual(new Set(['Error: cannot open']))
  })

  it('that repeats messages changes nothing', async () => {
    const feed = await testFeed()
    const source = feed.source({ repeats: 5 })
    const { follower, index, isDead } = follow({ sources: [source] }, feed.keyFor)
    for (const id of ['a', 'b', 'c']) await feed.end(grant(id))
    await until(() => isDead('c'))
    const version = index.version
    source.end()
    await feed.heartbeat()
    await follower.ready()
    expect(follower.health().applied).toBeGreaterThan(3)
    expect(index.version).toBe(version)
  })

  it('whose snapshot is incomplete confirms nothing, and is not continued', async () => {
    const feed = await testFeed()
    const part = (index: number, id: string) =>
      feed.sign({
        kind: 'chunk',
        snapshot: 's',
        index,
        count: 2,
        through: feed.position,
        at: Date.now(),
        ended: [grant(id)],
      })
    const asked: (string | undefined)[] = []
    let isWell = false
    const source: RevocationSource = {
      name: 'snapshots',
      async *open({ cursor }) {
        asked.push(cursor)
        yield [{ jws: await part(0, 'a'), cursor: '1' }]
        if (isWell) yield [{ jws: await part(1, 'b'), cursor: '1' }]
        yield [{ jws: await feed.sign({ kind: 'heartbeat', through: feed.position, at: Date.now() }), cursor: '2' }]
      },
    }
    const { follower, isDead, reasons } = follow({ sources: [source] }, feed.keyFor)
    await until(() => asked.length > 3)
    expect(follower.health()).toMatchObject({ isReady: false, isCaughtUp: false, stalenessMs: Infinity })
    expect(reasons()[0]).toMatch(/middle of a snapshot/)
    expect(asked.every((cursor) => cursor === undefined)).toBe(true)
    expect(isDead('a')).toBe(true)
    isWell = true
    await follower.ready()
    expect(isDead('b')).toBe(true)
  })

  it('is read from its beginning after the log was restored from a backup', async () => {
    const time = { wall: Date.now() }
    const clock = { wall: () => time.wall, monotonic: () => 0 }
    const signer = await testSigner()
    const before = await testFeed({ signer, now: clock.wall })
    const after = await testFeed({ signer, now: clock.wall })
    let current = before.source({ begins: 'snapshot' })
    const source: RevocationSource = { name: 'it', open: (asked) => current.open(asked) }
    const { follower, isDead } = follow({ sources: [source], clock }, signer.keyFor)
    for (const id of ['a', 'b', 'c']) await before.end(grant(id))
    await before.heartbeat()
    await until(() => follower.health().through === before.position)

    await after.end({ scope: 'issuer', id: ISSUER, until: UNTIL, epoch: 1 })
    time.wall += 60_000
    const old = current
    current = after.source({ begins: 'snapshot' })
    old.end()
    atEnd(after.beat(5))
    await until(() => isDead('anything'))
    await follower.ready()
    expect(follower.health().through).toBe(after.position)
  })
})
