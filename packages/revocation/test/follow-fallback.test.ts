import { describe, expect, it } from 'vitest'
import { type RevocationSource } from '../src/feed/index.ts'
import { testFeed } from '../src/testing/index.ts'
import { atEnd, follow, grant, until } from './following.ts'

describe('a fallback', () => {
  it('is read while the primary is not fresh, from the known position on, and no longer', async () => {
    const feed = await testFeed()
    const primary = feed.source({ name: 'kafka' })
    const fallback = feed.source({ name: 'http', begins: 'snapshot' })
    const { follower, isDead } = follow({ sources: [primary, fallback], failoverAfterMs: 300 }, feed.keyFor)
    atEnd(feed.beat(5))
    await feed.end(grant('a'))
    await until(() => isDead('a') && follower.health().through === feed.position)
    const known = follower.health().through

    primary.hang()
    await until(() => follower.health().source === 'http')
    await feed.end(grant('b'))
    await until(() => isDead('b'))
    expect(fallback.openings.at(-1)?.after).toBe(known)
    expect(follower.health().isReady).toBe(true)
    await follower.close()
  })

  it('makes a follower ready that starts while the primary is unavailable, and stops when the primary is back', async () => {
    const feed = await testFeed()
    await feed.end(grant('a'))
    const primary = feed.source({ name: 'kafka' })
    primary.break()
    const http = feed.source({ name: 'http', begins: 'snapshot' })
    const running: AbortSignal[] = []
    const fallback: RevocationSource = {
      name: 'http',
      open(asked) {
        running.push(asked.signal)
        return http.open(asked)
      },
    }
    const { follower, isDead } = follow({ sources: [primary, fallback], failoverAfterMs: 200 }, feed.keyFor)
    atEnd(feed.beat(5))
    await follower.ready()
    expect(follower.health().source).toBe('http')
    expect(isDead('a')).toBe(true)
    primary.mend()
    await until(() => follower.health().source === 'kafka' && running.every((signal) => signal.aborted))
    await feed.end(grant('b'))
    await until(() => isDead('b'))
    expect(primary.openings.at(-1)?.cursor).toBeUndefined()
  })
})
