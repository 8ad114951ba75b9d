import { type EventStore, inMemoryEventStore } from '@ledgate/eventsourcing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { type GrantEvent, type GrantState, grantStream } from './events.ts'
import { readGrant } from './grants.ts'
import { spendingOf } from './spending.ts'
import { command, openParts } from '../testing/parts.ts'

const GID = 'a'.repeat(32)
const attemptOf = (generation: number) => `${generation}`.padEnd(43, '-')
const START = 1_790_000_000

const at = (generation: number, replays = 0): GrantState => ({
  gid: GID,
  sub: `u_${'b'.repeat(32)}`,
  client_id: 'web',
  sid: 'c'.repeat(32),
  grant_type: 'password',
  scope: [],
  aud: [],
  auth_time: START,
  amr: ['pwd'],
  user_epoch: 0,
  client_epoch: 0,
  issuer_epoch: 0,
  opened_at: START,
  revoked: false,
  refresh: {
    generation,
    key: 'k',
    attempt: generation === 0 ? null : attemptOf(generation - 1),
    rotated_at: START,
    replays,
    by_grace: false,
    previous_by_grace: false,
    expires_at: START + 1e8,
    idle_expires_at: START + 1e8,
  },
  revoked_tokens: [],
})

const issued: GrantEvent = {
  type: 'TokenIssued',
  data: { jti: 'j', client_id: 'web', sub: 's', scope: [], aud: [], iat: START, expires_in: 300, kid: 'k' },
}

/** A grant after so many renewals; some generations were answered again. */
async function renewed(generations: number, replaysOf: (generation: number) => number) {
  let [reads, events] = [0, 0]
  const store = inMemoryEventStore()
  const counting: EventStore = {
    ...store,
    async read(...request) {
      const found = await store.read(...request)
      reads += 1
      events += found.length
      return found
    },
  }
  const { log, sealer } = openParts(counting)
  const append = (all: readonly GrantEvent[], source: string) => {
    const context = { ...command(), source: { hash: source, text: '192.0.0.0/16 test' } }
    return log.append(grantStream.of(GID), all, { expected: 'any', context })
  }
  await append([issued, { type: 'GrantOpened', data: { grant: at(0) } }], 'opened')
  for (let generation = 1; generation <= generations; generation += 1) {
    await append([issued, { type: 'RefreshRotated', data: { grant: at(generation) } }], `spent ${generation - 1}`)
    for (let replay = 1; replay <= replaysOf(generation); replay += 1) {
      const again = { type: 'RefreshReplayed', data: { by: 'attempt', grant: at(generation, replay) } } as const
      await append([issued, again], 'again')
    }
  }
  const found = await readGrant(log, GID)
  if (found === undefined) throw new Error('there is no grant')
  return {
    async spending(generation: number) {
      ;[reads, events] = [0, 0]
      return { spent: await spendingOf({ log, sealer }, found, generation), reads, events }
    },
  }
}

describe('how a generation was spent', () => {
  it('is found for each of them, however often each was answered again', async () => {
    const property = fc.asyncProperty(fc.array(fc.nat(12), { minLength: 1, maxLength: 30 }), async (replays) => {
      const { spending } = await renewed(replays.length, (generation) => replays[generation - 1] ?? 0)
      for (let generation = 0; generation < replays.length; generation += 1)
        expect((await spending(generation)).spent).toEqual({
          attempt: attemptOf(generation),
          source: `spent ${generation}`,
        })
      expect((await spending(replays.length)).spent).toBeNull()
    })
    await fc.assert(property, { numRuns: rounds({ quick: 20, long: 300 }) })
  })

  it('costs a few small reads, also ten thousand generations ago', async () => {
    const { spending } = await renewed(10_000, () => 0)
    for (const generation of [0, 1, 17, 5_000, 9_990, 9_998, 9_999]) {
      const { spent, reads, events } = await spending(generation)
      expect(spent?.attempt).toBe(attemptOf(generation))
      expect(reads).toBeLessThanOrEqual(32)
      expect(events).toBeLessThanOrEqual(128)
    }
    expect((await spending(9_999)).reads).toBeLessThanOrEqual(4)
  })
})
