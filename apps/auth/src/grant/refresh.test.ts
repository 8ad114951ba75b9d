import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { grant, type Issued } from './decider.ts'
import type { GrantEvent, GrantState } from './events.ts'
import { decideRefresh, type PresentRefreshToken } from './refresh.ts'

const START = 1_790_000_000
const IDLE = 5000
const LASTS = 9000
const GRACE = 10
const GID = 'a'.repeat(32)

const TOKEN: Issued = {
  jti: 'one',
  client_id: 'web',
  sub: `u_${'b'.repeat(32)}`,
  scope: [],
  aud: ['https://orders.example/'],
  iat: START,
  expires_in: 300,
  kid: 'key',
}

function opened(): GrantState {
  const owner = { gid: GID, sid: 'c'.repeat(32), sub: TOKEN.sub, client_id: 'web', scope: [], aud: TOKEN.aud }
  const epochs = { user_epoch: 0, client_epoch: 0, issuer_epoch: 0 }
  const events = grant.decide(
    {
      type: 'Open',
      grant: { ...owner, ...epochs, grant_type: 'password', auth_time: START, amr: ['pwd'], opened_at: START },
      refresh: { key: 'k0', expires_at: START + LASTS, idle_expires_at: START + IDLE },
      token: TOKEN,
    },
    undefined,
  )
  const state = events.reduce(grant.evolve, undefined as GrantState | undefined)
  if (state === undefined) throw new Error('the grant was not opened')
  return state
}

/** What a client, a thief or a late network does next. */
type Step =
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'present'; readonly back: number; readonly attempt: string | null }

type Outcome = 'rotated' | 'replayed' | 'refused' | 'revoked'

/** Every rule of design §4 over the whole history, said another way than the decider says it, which keeps only an end. */
function oracle() {
  /** For each spent generation: by which attempt, when, how often it was answered again, and whether by grace. */
  const spent: { attempt: string | null; at: number; answered: number; byGrace: boolean }[] = []
  let isRevoked = false
  let lastUse = START
  return (generation: number, attempt: string | null, now: number): Outcome => {
    if (isRevoked || now >= START + LASTS || now >= lastUse + IDLE) return 'refused'
    const use = spent[generation]
    if (use === undefined) {
      spent.push({ attempt, at: now, answered: 0, byGrace: false })
      lastUse = now
      return 'rotated'
    }
    const isSameRequest = attempt !== null && use.attempt === attempt
    const successorIsUnused = generation === spent.length - 1
    if (isSameRequest && !successorIsUnused) return 'refused'
    if (isSameRequest) {
      if (use.answered >= 100 || now >= use.at + 3600) return 'refused'
      use.answered += 1
      return 'replayed'
    }
    const cameByGrace = generation > 0 && spent[generation - 1]?.byGrace === true
    if (attempt === null && use.attempt === null && successorIsUnused && !cameByGrace && now < use.at + GRACE) {
      use.answered += 1
      use.byGrace = true
      return 'replayed'
    }
    isRevoked = true
    return 'revoked'
  }
}

type Decide = (command: PresentRefreshToken, state: GrantState) => readonly GrantEvent[]

function outcomeOf(decide: () => readonly GrantEvent[]): { outcome: Outcome; events: readonly GrantEvent[] } {
  try {
    const events = decide()
    const types = events.map(({ type }) => type)
    if (types.includes('GrantRevoked')) return { outcome: 'revoked', events }
    return { outcome: types.includes('RefreshRotated') ? 'rotated' : 'replayed', events }
  } catch {
    return { outcome: 'refused', events: [] }
  }
}

/** Walks a decider through the steps beside the oracle; answers where they part. */
function differences(decide: Decide, steps: readonly Step[]): readonly string[] {
  const expected = oracle()
  const attempts: (string | null)[] = []
  const found: string[] = []
  let [state, now] = [opened(), START]
  for (const step of steps) {
    if (step.kind === 'wait') now += step.seconds
    else {
      const { attempt } = step
      const newest = state.refresh?.generation ?? 0
      const generation = Math.max(0, newest - step.back)
      const command: PresentRefreshToken = {
        type: 'PresentRefreshToken',
        generation,
        key: `k${generation}`,
        attempt,
        spentBy: generation < newest - 1 ? (attempts[generation] ?? null) : null,
        now,
        grace: GRACE,
        idleFor: IDLE,
        nextKey: `k${generation + 1}`,
        token: TOKEN,
      }
      const { outcome, events } = outcomeOf(() => decide(command, state))
      if (outcome === 'rotated') attempts.push(attempt)
      const wanted = expected(generation, attempt, now)
      if (outcome !== wanted) found.push(`generation ${generation} of ${newest}: ${outcome}, not ${wanted}`)
      state = events.reduce<GrantState>((before, event) => grant.evolve(before, event) ?? before, state)
    }
    if (found.length > 0) break
  }
  return found
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('present' as const),
      back: fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 3),
      attempt: fc.constantFrom(null, null, 'one', 'two'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(1, 9, 10, 3599, 3600, 5000) }),
  },
)
const walks = fc.array(step, { maxLength: 25 })
/** Long enough to run out of answers. */
const insisting = fc
  .tuple(walks, fc.integer({ min: 95, max: 105 }))
  .map(([walk, times]): readonly Step[] => [
    ...walk,
    { kind: 'present', back: 0, attempt: 'insist' },
    ...Array.from({ length: times }, (): Step => ({ kind: 'present', back: 1, attempt: 'insist' })),
  ])

const property = (decide: Decide, steps: fc.Arbitrary<readonly Step[]>) =>
  fc.property(steps, (walk) => {
    expect(differences(decide, walk)).toEqual([])
  })

const withRefresh = (state: GrantState, change: Partial<NonNullable<GrantState['refresh']>>): GrantState => ({
  ...state,
  refresh: state.refresh && { ...state.refresh, ...change },
})

/** Deciders that each forget one rule. */
const forgetful: Readonly<Record<string, Decide>> = {
  'that a grace is not given after a grace': (command, state) =>
    decideRefresh(command, withRefresh(state, { previous_by_grace: false })),
  'that the grace ends': (command, state) => decideRefresh({ ...command, grace: 10_000 }, state),
  'that there is a grace': (command, state) => decideRefresh({ ...command, grace: 0 }, state),
  'which attempt spent a token': (command, state) =>
    decideRefresh({ ...command, attempt: command.attempt ?? state.refresh?.attempt ?? null }, state),
  'that a late duplicate is no theft': (command, state) => decideRefresh({ ...command, spentBy: null }, state),
  'that a theft ends the grant': (command, state) => {
    const events = decideRefresh(command, state)
    if (events.some(({ type }) => type === 'GrantRevoked')) throw new Error('refused only')
    return events
  },
  'that a grant has ended': (command, state) => decideRefresh(command, { ...state, revoked: false }),
  'that a refresh token grows old': (command, state) =>
    decideRefresh(command, withRefresh(state, { idle_expires_at: START + LASTS })),
  'that a grant grows old': (command, state) =>
    decideRefresh(command, withRefresh(state, { expires_at: START + 10 * LASTS, idle_expires_at: START + 10 * LASTS })),
}

describe('presenting a refresh token', () => {
  it('does what the rules say, whatever is presented when', () => {
    fc.assert(property(decideRefresh, walks), { numRuns: 3000 })
    fc.assert(property(decideRefresh, insisting), { numRuns: 200 })
  })

  it.each(Object.entries(forgetful))('would be found out if it forgot %s: the control', (_, decide) => {
    expect(fc.check(property(decide, walks), { numRuns: 5000 }).failed).toBe(true)
  })

  it('would be found out if it answered without end: the control', () => {
    const tireless: Decide = (command, state) => decideRefresh(command, withRefresh(state, { replays: 0 }))
    expect(fc.check(property(tireless, insisting), { numRuns: 500 }).failed).toBe(true)
  })

  it('answers again with the same successor: the replay changes no generation and no key', () => {
    const command = { type: 'PresentRefreshToken', generation: 0, key: 'k0', attempt: 'one', spentBy: null } as const
    const more = { now: START, grace: GRACE, idleFor: IDLE, nextKey: 'k1', token: TOKEN }
    const rotated = decideRefresh({ ...command, ...more }, opened()).reduce<GrantState>(
      (before, event) => grant.evolve(before, event) ?? before,
      opened(),
    )
    const replayed = decideRefresh({ ...command, ...more, nextKey: 'k2' }, rotated)
    expect(replayed.map(({ type }) => type)).toEqual(['TokenIssued', 'RefreshReplayed'])
    const after = replayed.reduce<GrantState>((before, event) => grant.evolve(before, event) ?? before, rotated)
    expect(after.refresh).toEqual({ ...rotated.refresh, replays: 1 })
  })
})
