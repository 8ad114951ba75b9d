import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { getEventListeners } from 'node:events'
import { systemClock } from '@ledgate/revocation'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { memoryReplayStore } from '../src/dpop/index.ts'
import { RemoteKeySet } from '../src/key/remote-key-set.ts'
import { missingKids } from '../src/key/missing-kids.ts'
import { principalFromClaims } from '../src/token/principal-from-claims.ts'
import { tokenCache } from '../src/token/token-cache.ts'
import { watchers } from '../src/watch/token-watchers.ts'
import { ISSUER, seconds } from './tokens.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Megabytes that are held when this is done, beyond those of before. */
async function heldBy(work: () => void | Promise<void>): Promise<number> {
  collect()
  const before = process.memoryUsage().heapUsed
  await work()
  collect()
  return (process.memoryUsage().heapUsed - before) / 1e6
}

const now = seconds()

const principal = (nth: number) =>
  principalFromClaims(
    {
      iss: ISSUER,
      sub: `u_${nth}`.padEnd(24, 'x'),
      client_id: 'client-1',
      aud: 'https://api.example',
      iat: now,
      exp: now + 300,
      jti: `jti-${nth}`.padEnd(36, 'x'),
      sid: `sid-${nth}`.padEnd(24, 'x'),
      gid: `gid-${nth}`.padEnd(24, 'x'),
    },
    {},
    'kid',
  )

/** Enough of each that keeping all of them would be seen. */
const MANY = rounds({ quick: 60_000, long: 300_000 })
const MANY_PROOFS = rounds({ quick: 200_000, long: 500_000 })
const MANY_CONNECTIONS = rounds({ quick: 20_000, long: 100_000 })

/** As long as an access token is. */
const text = (nth: number) => String(nth).padStart(700, 'x')

describe('memory is bounded', { timeout: 120_000 }, () => {
  it('by the number of tokens that are remembered, whatever number was seen', async () => {
    const cache = tokenCache<object>(1_000)
    const held = await heldBy(() => {
      for (let nth = 0; nth < MANY; nth += 1) cache.set(text(nth), { nth })
    })
    expect(cache.size).toBeLessThanOrEqual(1_000)
    expect(held).toBeLessThan(5)
  })

  it('by the length of the tokens too: long ones count for several', async () => {
    const cache = tokenCache<object>(1_000)
    for (let nth = 0; nth < 3_000; nth += 1) cache.set(String(nth).padStart(16_000, 'x'), { nth })
    expect(cache.size).toBeLessThanOrEqual(1_000 / 8 + 1)
    expect(cache.get(String(2_999).padStart(16_000, 'x'))).toEqual({ nth: 2_999 })
  })

  it('by a few kids, however long they are', async () => {
    const missing = missingKids(systemClock, 30_000)
    const long = (nth: number) => `made-up-${nth}`.padEnd(12_000, 'x')
    const held = await heldBy(() => {
      for (let nth = 0; nth < 3_000; nth += 1) missing.add(long(nth))
    })
    expect(held).toBeLessThan(5)
    expect([missing.has(long(2_999)), missing.has(long(0)), missing.has(`${long(2_999)}x`)]).toEqual([
      true,
      false,
      false,
    ])
  })

  it.each([
    ['in a flood, by as many as may be', { maxProofs: 10_000, aSecond: 100_000 }],
    ['over time, by those that are still good', { maxProofs: 1_000_000, aSecond: 500 }],
  ])('by the number of proofs that are remembered: %s', async (_, { maxProofs, aSecond }) => {
    let second = 0
    const store = memoryReplayStore({ maxProofs, now: () => second * 1_000 })
    const held = await heldBy(() => {
      for (let nth = 0; nth < MANY_PROOFS; nth += 1) {
        second = Math.floor(nth / aSecond)
        store.add(`proof-${nth}`.padEnd(43, 'x'), second + 30)
      }
    })
    expect(held).toBeLessThan(10)
    expect(store.add('late', second + 31)).toBe(true)
  })

  it('by a few kids, whatever number nobody knows', async () => {
    const missing = missingKids(systemClock, 30_000)
    const held = await heldBy(() => {
      for (let nth = 0; nth < MANY; nth += 1) missing.add(`made-up-${nth}`.padEnd(255, 'x'))
    })
    expect(held).toBeLessThan(5)
    expect([missing.has(`made-up-${MANY - 1}`.padEnd(255, 'x')), missing.has('made-up-0'.padEnd(255, 'x'))]).toEqual([
      true,
      false,
    ])
  })

  it('by a few kids, whatever number is looked for while a set does not come', async () => {
    const cache = new RemoteKeySet({
      locate: () => new Promise<never>(() => {}),
      algorithms: ['ES256'],
      clock: systemClock,
    })
    cache.start()
    const held = await heldBy(async () => {
      for (let nth = 0; nth < MANY; nth += 1) await cache.seek(`made-up-${nth}`.padEnd(255, 'x'), 0)
    })
    cache.close()
    expect(held).toBeLessThan(5)
  })

  it('by the tokens that live, for connections that come and go: very many of one, and of each its own', async () => {
    let ahead = 0
    // What is watched is looked at once a second.
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const watching = watchers({
      clock: { wall: () => Date.now() + ahead },
      toleranceSeconds: 5,
      endedBy: () => undefined,
      isStale: () => false,
    })
    /** Opens a connection and closes it again. */
    const comeAndGo = (nth: number): void => {
      const signal = watching.watch(principal(nth))
      const cut = () => {}
      signal.addEventListener('abort', cut)
      signal.removeEventListener('abort', cut)
    }
    const ofOne = await heldBy(() => {
      for (let connection = 0; connection < MANY_CONNECTIONS; connection += 1) comeAndGo(0)
    })
    expect(getEventListeners(watching.watch(principal(0)), 'abort')).toEqual([])
    expect([watching.size, ofOne < 5]).toEqual([1, true])
    const ofMany = await heldBy(() => {
      for (let connection = 0; connection < MANY_CONNECTIONS; connection += 1) comeAndGo(connection)
    })
    expect(watching.size).toBe(MANY_CONNECTIONS)
    expect(ofMany).toBeLessThan(MANY_CONNECTIONS / 500)
    ahead = 310_000
    const left = await heldBy(() => void vi.advanceTimersByTime(1_000))
    expect([watching.size, left + ofMany < 20]).toEqual([0, true])
    watching.close()
  })
})
