import { getEventListeners } from 'node:events'
import type { Ended } from '@ledgate/revocation'
import { revocationIndex } from '@ledgate/revocation'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { principalFromClaims } from '../token/principal-from-claims.ts'
import { type Watchers, watchers, type WatchersOptions } from './token-watchers.ts'

const NOW = 1_700_000_000
const ISSUER = 'https://issuer.example'

const principal = (nth: number, claims: object = {}) =>
  principalFromClaims(
    {
      iss: ISSUER,
      sub: `user-${nth}`,
      client_id: 'client',
      aud: 'https://api.example',
      iat: NOW,
      exp: NOW + 300,
      jti: `jti-${nth}`,
      sid: `sid-${nth}`,
      gid: `gid-${nth}`,
      user_epoch: 0,
      client_epoch: 0,
      issuer_epoch: 0,
      ...claims,
    },
    {},
    'kid',
  )

let index: ReturnType<typeof revocationIndex>
let watching: Watchers
let looked: number
let isStale: boolean

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000 })
  index = revocationIndex()
  watching = watchers({ clock: { wall: Date.now }, toleranceSeconds: 5, endedBy, isStale: () => isStale })
  looked = 0
  isStale = false
})

afterEach(() => {
  watching.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const endedBy: WatchersOptions['endedBy'] = (facts) => {
  looked += 1
  return index.endedBy(facts)
}

const watch = (nth: number, claims?: object) => watching.watch(principal(nth, claims))

function end(ended: Ended): void {
  index.apply(ended)
  watching.revoke(ended)
}

const until = NOW + 10_000

describe('watching a principal', () => {
  it.each<Ended>([
    { scope: 'issuer', id: ISSUER, until, epoch: 1 },
    { scope: 'client', id: 'client', until, epoch: 1 },
    { scope: 'user', id: 'user-1', until, epoch: 1 },
    { scope: 'session', id: 'sid-1', until },
    { scope: 'online_session', id: 'sid-1', until },
    { scope: 'grant', id: 'gid-1', until },
    { scope: 'jti', id: 'jti-1', until },
    { scope: 'key', id: 'kid', until },
  ])('aborts with the scope of a revocation: $scope', (ended) => {
    const signal = watch(1)
    expect(signal.aborted).toBe(false)
    end(ended)
    expect(signal.reason).toMatchObject({ code: 'token_revoked', detail: `revoked by ${ended.scope}` })
  })

  it('ignores revocations of other tokens', () => {
    const [newer, offline] = [watch(1, { user_epoch: 5 }), watch(1, { scope: 'offline_access', user_epoch: 5 })]
    end({ scope: 'user', id: 'user-1', until, epoch: 5 })
    end({ scope: 'session', id: 'jti-1', until })
    end({ scope: 'jti', id: 'jti-2', until })
    expect([newer.aborted, offline.aborted]).toEqual([false, false])
    end({ scope: 'online_session', id: 'sid-1', until })
    expect([newer.aborted, offline.aborted]).toEqual([true, false])
  })

  it('aborts when the token expires', () => {
    const signal = watch(1)
    vi.advanceTimersByTime(304_000)
    expect(signal.aborted).toBe(false)
    vi.advanceTimersByTime(1_000)
    expect(signal.reason).toMatchObject({ code: 'token_expired' })
    expect(watching.size).toBe(0)
  })

  it('aborts at once if the token is already revoked', () => {
    index.apply({ scope: 'jti', id: 'jti-1', until })
    expect(watch(1).reason).toMatchObject({ code: 'token_revoked' })
    expect(watch(2, { exp: NOW - 10 }).reason).toMatchObject({ code: 'token_expired' })
  })

  it('aborts within a second when the feed is too stale, and at once for new watches', () => {
    const signals = [watch(1), watch(2)]
    isStale = true
    vi.advanceTimersByTime(1_000)
    for (const signal of [...signals, watch(3)]) expect(signal.reason).toMatchObject({ code: 'verifier_stale' })
    isStale = false
    vi.advanceTimersByTime(1_000)
    expect(watch(1).aborted).toBe(false)
    expect(watching.size).toBe(1)
  })

  it('hears when the verifier is closed: nobody would tell it any more', () => {
    const signal = watch(1)
    watching.close()
    expect(signal.reason).toMatchObject({ code: 'verifier_not_ready' })
    expect(watch(1).aborted).toBe(true)
  })

  it('shares one signal with the other connections of the same token', () => {
    const signals = new Set(Array.from({ length: 50 }, () => watch(1)))
    expect(signals.size).toBe(1)
    expect(watching.size).toBe(1)
    expect(watch(1, { jti: 'other' })).not.toBe([...signals][0])
  })
})

describe('ten thousand that watch', () => {
  it('are looked up by the name of a notice, not gone through', () => {
    const signals = Array.from({ length: 10_000 }, (_, nth) => watch(nth))
    expect(vi.getTimerCount()).toBe(1)
    looked = 0
    end({ scope: 'session', id: 'sid-77', until })
    end({ scope: 'jti', id: 'nobody', until })
    expect(looked).toBe(1)
    expect(signals.flatMap((signal, nth) => (signal.aborted ? [nth] : []))).toEqual([77])
    end({ scope: 'client', id: 'client', until, epoch: 1 })
    expect(signals.every((signal) => signal.aborted)).toBe(true)
    expect([watching.size, vi.getTimerCount()]).toEqual([0, 0])
    expect(signals.flatMap((signal) => getEventListeners(signal, 'abort'))).toEqual([])
  })
})
