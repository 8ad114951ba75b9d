import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { grant, type GrantCommand, type Issued } from './grant.decider.ts'
import type { GrantEvent, GrantState } from './events.ts'
import { judgeRefresh, type PresentRefreshToken } from './refresh.decider.ts'

const START = 1_790_000_000
const SECOND = 1
const hash = fc.string({ minLength: 43, maxLength: 43, unit: 'grapheme-ascii' })

/** What a grant is for: the only part of its state whose size somebody chooses. */
const given = fc.record({
  scope: fc.array(fc.string({ maxLength: 40 }), { maxLength: 100 }),
  aud: fc.array(fc.string({ maxLength: 200 }), { maxLength: 20 }),
})

const openFor = ({ scope, aud }: { scope: string[]; aud: string[] }): GrantCommand => {
  const owner = { client_id: 'web', sub: `u_${'b'.repeat(32)}`, gid: 'a'.repeat(32), sid: 'c'.repeat(32) }
  const token: Issued = { ...owner, jti: 'one', scope, aud, iat: START, expires_in: 300, kid: 'key' }
  const epochs = { user_epoch: 0, client_epoch: 0, issuer_epoch: 0 }
  const when = { auth_time: START, opened_at: START }
  return {
    type: 'Open',
    grant: { ...owner, ...epochs, ...when, scope, aud, grant_type: 'password', amr: ['pwd'] },
    refresh: { key: 'k0', expires_at: START + 1e8, idle_expires_at: START + 1e7 },
    token,
  }
}

interface Step {
  readonly back: number
  readonly attempt: string | null
  readonly wait: number
}

const steps = fc.array(
  fc.record({
    back: fc.constantFrom(0, 0, 0, 1, 1),
    attempt: fc.option(hash),
    wait: fc.nat(100),
  }),
  { maxLength: 60 },
)

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

/** Every event that a grant has by these steps, and by its end at each of them; the last state before each end. */
function* history(opening: GrantCommand, all: readonly Step[]) {
  let state: GrantState | undefined
  let now = START
  const take = (events: readonly GrantEvent[]) => {
    state = events.reduce(grant.evolve, state)
    return events
  }
  yield* take(grant.decide(opening, undefined))
  for (const { back, attempt, wait } of all) {
    now += wait * SECOND
    const { refresh } = state ?? {}
    const generation = Math.max(0, (refresh?.generation ?? 0) - back)
    const token = { jti: 'next', client_id: 'web', sub: 's', scope: [], aud: [], iat: now, expires_in: 300, kid: 'key' }
    const command: PresentRefreshToken = {
      type: 'PresentRefreshToken',
      generation,
      key: refresh?.key ?? '',
      attempt,
      source: 'home',
      spent: { attempt: null, source: 'home' },
      now,
      grace: 10,
      idleFor: 1e6,
      nextKey: 'f'.repeat(16),
      token,
    }
    yield* grant.decide({ type: 'Revoke', reason: 'at any time' }, state)
    yield* grant.decide({ type: 'EndForReuse', generation }, state)
    if (state === undefined) return
    try {
      if (judgeRefresh(command, state) !== 'reuse') yield* take(grant.decide(command, state))
    } catch {
      // refused: nothing is written
    }
  }
}

const ENDING = new Set(['GrantRevoked', 'RefreshReuseDetected'])

describe('the events of a grant', () => {
  it('are as large as what was granted, whatever happened before', () => {
    const property = fc.property(given, steps, (granted, all) => {
      for (const event of history(openFor(granted), all))
        expect(bytesOf(event.data)).toBeLessThan(bytesOf([granted.scope, granted.aud]) + 1_200)
    })
    fc.assert(property, { numRuns: rounds({ quick: 50, long: 1_000 }) })
  })

  it('that end it are small, whatever was granted and happened: they always fit', () => {
    const property = fc.property(given, steps, fc.nat(2_000), (granted, all, listed) => {
      const open = openFor(granted)
      for (const event of history(open, all))
        if (ENDING.has(event.type)) expect(bytesOf(event.data)).toBeLessThan(1_200)
      // and of a grant that a release before let grow
      const state = grant.decide(open, undefined).reduce(grant.evolve, undefined as GrantState | undefined)
      const revoked_tokens = Array.from({ length: listed }, (_, index) => ({ jti: `jti-${index}`, exp: START + 300 }))
      const ends = [{ type: 'Revoke', reason: 'test' } as const, { type: 'EndForReuse', generation: 0 } as const]
      for (const end of ends)
        for (const { data } of grant.decide(end, state && { ...state, revoked_tokens }))
          expect(bytesOf(data)).toBeLessThan(1_200)
    })
    fc.assert(property, { numRuns: rounds({ quick: 50, long: 1_000 }) })
  })

  it('end it once', () => {
    const state = grant
      .decide(openFor({ scope: ['orders'], aud: [] }), undefined)
      .reduce(grant.evolve, undefined as GrantState | undefined)
    const ended = grant.decide({ type: 'Revoke', reason: 'test' }, state).reduce(grant.evolve, state)
    expect(ended?.revoked).toBe(true)
    for (const end of [{ type: 'Revoke', reason: 'test' } as const, { type: 'EndForReuse', generation: 0 } as const])
      expect(grant.decide(end, ended)).toEqual([])
  })
})
