import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { grant, type Issued } from './grant.decider.ts'
import type { GrantEvent, GrantState } from './events.ts'
import { judgeRefresh, type PresentRefreshToken, type Spending } from './refresh.decider.ts'

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

/** What a client, a thief or a late network does next; `null` is a source that is not known. */
type Step =
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'present'; readonly back: number; readonly attempt: string | null; readonly source: string | null }

type Outcome = 'rotated' | 'replayed' | 'refused' | 'revoked'

/** How a generation was spent, and what came of it. */
interface Use {
  readonly attempt: string | null
  readonly source: string | null
  readonly at: number
  answered: number
  /** Answered to another source than the one that spent it. */
  elsewhere: boolean
}

/** Every rule of design §4 over the whole history, said another way than the decider says it, which keeps only an end. */
function oracle() {
  const spent: Use[] = []
  let isRevoked = false
  let lastUse = START
  return (generation: number, { attempt, source }: { attempt: string | null; source: string | null }, now: number) => {
    const isExpired = now >= START + LASTS || now >= lastUse + IDLE
    const judged = (): Outcome => {
      const use = spent[generation]
      if (use === undefined) {
        if (isExpired) return 'refused'
        spent.push({ attempt, source, at: now, answered: 0, elsewhere: false })
        lastUse = now
        return 'rotated'
      }
      const successorIsUnused = generation === spent.length - 1
      if (attempt !== null && use.attempt === attempt) {
        if (!successorIsUnused || use.answered >= 100 || now >= use.at + 3600 || isExpired) return 'refused'
        use.answered += 1
        return 'replayed'
      }
      if (attempt !== null || use.attempt !== null || !successorIsUnused || now >= use.at + GRACE) return 'revoked'
      if (source !== null && use.source === source) {
        if (use.answered >= 100 || isExpired) return 'refused'
        use.answered += 1
        return 'replayed'
      }
      const cameFromElsewhere = generation > 0 && spent[generation - 1]?.elsewhere === true
      if (use.elsewhere || cameFromElsewhere || use.answered >= 100) return 'revoked'
      if (isExpired) return 'refused'
      use.answered += 1
      use.elsewhere = true
      return 'replayed'
    }
    const outcome = isRevoked ? 'refused' : judged()
    isRevoked ||= outcome === 'revoked'
    return outcome
  }
}

type Decide = (command: PresentRefreshToken, state: GrantState) => readonly GrantEvent[]

/** As the endpoint does: what is judged to be reuse ends the grant, anything else is decided. */
const present: Decide = (command, state) =>
  judgeRefresh(command, state) === 'reuse'
    ? grant.decide({ type: 'EndForReuse', generation: command.generation }, state)
    : grant.decide(command, state)

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
  const spent: Spending[] = []
  const found: string[] = []
  let [state, now] = [opened(), START]
  for (const step of steps) {
    if (step.kind === 'wait') now += step.seconds
    else {
      const { attempt, source } = step
      const newest = state.refresh?.generation ?? 0
      const generation = Math.max(0, newest - step.back)
      const command: PresentRefreshToken = {
        type: 'PresentRefreshToken',
        generation,
        key: `k${generation}`,
        attempt,
        source,
        spent: spent[generation] ?? null,
        now,
        grace: GRACE,
        idleFor: IDLE,
        nextKey: `k${generation + 1}`,
        token: TOKEN,
      }
      const { outcome, events } = outcomeOf(() => decide(command, state))
      if (outcome === 'rotated') spent.push({ attempt, source })
      const wanted = expected(generation, { attempt, source }, now)
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
      attempt: fc.constantFrom(null, null, null, 'one', 'two'),
      source: fc.constantFrom('home', 'home', 'away', null),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(1, 9, 10, 3599, 3600, 5000) }),
  },
)
const walks = fc.array(step, { maxLength: 25 })
/** Long enough to run out of answers, by an attempt or from one source. */
const insisting = fc
  .tuple(walks, fc.integer({ min: 95, max: 105 }), fc.constantFrom(null, 'insist'))
  .map(([walk, times, attempt]): readonly Step[] => [
    ...walk,
    { kind: 'present', back: 0, attempt, source: 'home' },
    ...Array.from({ length: times }, (): Step => ({ kind: 'present', back: 1, attempt, source: 'home' })),
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
  'that a grace is not given elsewhere after a grace': (command, state) =>
    present(command, withRefresh(state, { previous_by_grace: false })),
  'that a grace is given elsewhere once': (command, state) => present(command, withRefresh(state, { by_grace: false })),
  'that the grace ends': (command, state) => present({ ...command, grace: 10_000 }, state),
  'that there is a grace': (command, state) => present({ ...command, grace: 0 }, state),
  'where a token was spent': (command, state) =>
    present({ ...command, spent: command.spent && { ...command.spent, source: 'elsewhere' } }, state),
  'that one unknown source is not another': (command, state) =>
    present({ ...command, source: command.source ?? command.spent?.source ?? null }, state),
  'which attempt spent a token': (command, state) =>
    present({ ...command, attempt: command.attempt ?? state.refresh?.attempt ?? null }, state),
  'that a late duplicate is no theft': (command, state) => present({ ...command, spent: null }, state),
  'that a theft ends the grant': (command, state) => {
    const events = present(command, state)
    if (events.some(({ type }) => type === 'GrantRevoked')) throw new Error('refused only')
    return events
  },
  'that a theft shows when the grant has expired': (command, state) => {
    if (command.now >= (state.refresh?.idle_expires_at ?? 0)) throw new Error('expired')
    return present(command, state)
  },
  'that a grant has ended': (command, state) => present(command, { ...state, revoked: false }),
  'that a refresh token grows old': (command, state) =>
    present(command, withRefresh(state, { idle_expires_at: START + LASTS })),
  'that a grant grows old': (command, state) =>
    present(command, withRefresh(state, { expires_at: START + 10 * LASTS, idle_expires_at: START + 10 * LASTS })),
}

describe('presenting a refresh token', () => {
  it('does what the rules say, whatever is presented when', () => {
    fc.assert(property(present, walks), { numRuns: rounds({ quick: 1_000, long: 20_000 }) })
    fc.assert(property(present, insisting), { numRuns: rounds({ quick: 40, long: 1_000 }) })
  })

  it.each(Object.entries(forgetful))('would be found out if it forgot %s: the control', (_, decide) => {
    expect(fc.check(property(decide, walks), { numRuns: 5000 }).failed).toBe(true)
  })

  it('would be found out if it answered without end: the control', () => {
    const tireless: Decide = (command, state) => present(command, withRefresh(state, { replays: 0 }))
    expect(fc.check(property(tireless, insisting), { numRuns: 500 }).failed).toBe(true)
  })

  it('answers again with the same successor: the replay changes no generation and no key', () => {
    const command = { type: 'PresentRefreshToken', generation: 0, key: 'k0', attempt: 'one', spent: null } as const
    const more = { source: 'home', now: START, grace: GRACE, idleFor: IDLE, nextKey: 'k1', token: TOKEN }
    const rotated = present({ ...command, ...more }, opened()).reduce<GrantState>(
      (before, event) => grant.evolve(before, event) ?? before,
      opened(),
    )
    const replayed = present({ ...command, ...more, nextKey: 'k2' }, rotated)
    expect(replayed.map(({ type }) => type)).toEqual(['TokenIssued', 'RefreshReplayed'])
    const after = replayed.reduce<GrantState>((before, event) => grant.evolve(before, event) ?? before, rotated)
    expect(after.refresh).toEqual({ ...rotated.refresh, replays: 1 })
  })
})
