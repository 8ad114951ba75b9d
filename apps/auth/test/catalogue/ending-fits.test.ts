import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MAX_EVENT_BYTES } from '@ledgate/eventsourcing'
import { jsonBytes, NewClientMetadata } from '@ledgate/oauth'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { client } from '../../src/client/client.decider.ts'
import { endings } from '../../src/revocation-feed/ending.ts'
import { keyring } from '../../src/signing-key/keyring.decider.ts'
import { type History, largestHistories, singleEvents } from '../../src/testing/largest-histories.ts'
import { type DomainEvent, encode, eventDefinitions } from '../../src/catalogue/definitions.ts'
import { mayFill } from '../../src/catalogue/filling.ts'

/** What the envelope of an event takes beside its data, and more. */
const ENVELOPE = 2_048
/** What older versions could write; what ends it is written by this one. */
const OLDER_LIMIT = 64 * 1024
const STEPS = rounds({ quick: 600, long: 1_200 })
/** A number that no two things in turn divide. */
const LOOKED_AT_EVERY = 49
const PARTNERS = rounds({ quick: 1, long: Infinity })
const numRuns = rounds({ quick: 2, long: 40 })

const histories = Object.entries(largestHistories)
const sizeOf = ({ data }: DomainEvent) => jsonBytes(data) + ENVELOPE

function expectRoom(history: History, choices: Iterable<number>): void {
  for (const events of history.run(choices, LOOKED_AT_EVERY))
    for (const event of events) expect(sizeOf(event), event.type).toBeLessThan(MAX_EVENT_BYTES / 2)
}

/** The same thing again and again, for each thing and, with as many partners, for each two in turn. */
function* insistent({ choices }: History, length: number, partners = choices): Generator<number[]> {
  for (let one = 0; one < choices; one += 1)
    for (let other = one; other < Math.min(choices, one + partners); other += 1)
      yield Array.from({ length }, (_, n) => (n % 2 === 0 ? one : other))
}

describe('after any history of the largest there is, whatever is appended next is under half the limit', () => {
  it.each(histories)('%s, by the same thing again and again', (_file, history) => {
    for (const choices of insistent(history, STEPS, PARTNERS)) expectRoom(history, choices)
  })

  it.each(histories)('%s, by chance', (_file, history) => {
    const choices = fc.array(fc.nat({ max: history.choices - 1 }), { minLength: STEPS / 2, maxLength: STEPS })
    fc.assert(
      fc.property(choices, (chosen) => expectRoom(history, chosen)),
      { numRuns },
    )
  })

  it('of what is written without a decider', () => {
    for (const event of singleEvents) expect(sizeOf(event), event.type).toBeLessThan(MAX_EVENT_BYTES / 2)
  })
})

describe('the histories', () => {
  const root = join(import.meta.dirname, '../../src')
  const withDecider = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .filter((file) => /^export (const|function) \w+.*: Decider</m.test(readFileSync(join(root, file), 'utf8')))

  it('are those of every decider there is', () => {
    expect(Object.keys(largestHistories).toSorted()).toEqual(withDecider.toSorted())
  })

  it('have every event that may fill an event, so that none is measured nowhere, as it can be written', () => {
    const found = new Set(singleEvents.map(({ type }) => type as string))
    for (const [, history] of histories)
      for (const choices of insistent(history, 10))
        for (const event of [...history.run(choices, 1)].flat()) {
          if (!found.has(event.type)) encode(event)
          found.add(event.type)
        }
    // A token is issued beside what these histories ask for, and leaves nothing behind.
    const filling = eventDefinitions.map(({ type }) => type).filter((type) => type !== 'TokenIssued' && mayFill(type))
    expect(filling.filter((type) => !found.has(type))).toEqual([])
  })
})

describe('what ends something', () => {
  /** They replace what could be large by what is bounded where it is asked for, so they are no larger than what grows. */
  const REPLACING = ['RolesAssigned', 'ClientUpdated']

  it('may fill an event, whatever notice it leads to', () => {
    const ending = Object.entries(endings).filter(([type, of]) => of !== 'nothing' && !REPLACING.includes(type))
    expect(ending.map(([type]) => type).filter((type) => !mayFill(type))).toEqual([])
  })

  it('is done to a client that an older version let grow to its limit', () => {
    const metadata = { ...NewClientMetadata.parse({}), scope: 'x'.repeat(OLDER_LIMIT - ENVELOPE) }
    const state = { client_id: 'old', client_id_issued_at: 1, epoch: 1, disabled: false, metadata, secrets: [] }
    for (const event of client.decide({ type: 'Disable', reason: 'r'.repeat(200) }, state))
      expect(sizeOf(event)).toBeLessThan(MAX_EVENT_BYTES)
  })

  it('works on a keyring that an older version let grow to its limit, any number of times', () => {
    const old = { alg: 'RS256', public_jwk: { kty: 'RSA', n: 'n'.repeat(342) }, generated_at: 1, activated_at: 1 }
    const of = (kid: string, status: 'active' | 'standby' | 'retiring') =>
      ({ kid, status, ...old, superseded_at: 1, retired_at: null }) as const
    let state = { keys: [of('a', 'active'), of('b', 'standby')] }
    while (jsonBytes(state) < OLDER_LIMIT - ENVELOPE)
      state = { keys: [...state.keys, of(`r${state.keys.length}`, 'retiring' as never)] }
    for (let now = 2; now < 100; now += 1) {
      const kid = state.keys.find(({ status }) => status === 'active')?.kid ?? ''
      const events = keyring.decide({ type: 'Compromise', kid, standby: { ...old, kid: `n${now}` }, now }, state)
      expect(events).toHaveLength(3)
      for (const event of events) expect(sizeOf(event)).toBeLessThan(MAX_EVENT_BYTES)
      state = events.reduce(keyring.evolve, state) as typeof state
    }
  })
})
