import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Conflict } from '../../errors.ts'
import type { NewEvent } from '../../event.ts'
import type { EventStore } from '../../event-store.ts'
import type { ContractSubject } from './contract.ts'
import { allOf, idsOf, sampleCategory, sampleEvent } from './sample.ts'

const STREAMS = 3
const EVENTS = 12

type Step =
  | {
      readonly kind: 'append'
      readonly stream: number
      readonly expected: Expectation
      readonly events: readonly number[]
    }
  | {
      readonly kind: 'read'
      readonly stream: number
      readonly direction: 'forwards' | 'backwards'
      readonly max: number
    }
  | { readonly kind: 'readAll'; readonly direction: 'forwards' | 'backwards'; readonly max: number }

/** Which revision the last ones are is told by the model when the step is run. */
type Expectation = 'noStream' | 'last' | 'before' | 'beyond'

const stream = fc.nat(STREAMS - 1)
const direction = fc.constantFrom('forwards' as const, 'backwards' as const)
const max = fc.integer({ min: 1, max: 6 })
/** Few events and many steps, so that ids come again at the same place and at others. */
const events = fc.uniqueArray(fc.nat(EVENTS - 1), { minLength: 1, maxLength: 3 })
const expected = fc.constantFrom<Expectation>('noStream', 'last', 'last', 'before', 'beyond')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), stream, expected, events }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('read' as const), stream, direction, max }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('readAll' as const), direction, max }) },
)

/** Whatever is done to the store, it answers as a plain list of events would. */
export function modelRules(subject: () => ContractSubject): void {
  test('any sequence of appends and reads gives the same results as a plain list', async () => {
    const { store, rounds } = subject()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => walk(store, steps)),
      { numRuns: rounds },
    )
  })
}

async function walk(store: EventStore, steps: readonly Step[]): Promise<void> {
  const category = sampleCategory()
  const pool = Array.from({ length: EVENTS }, () => sampleEvent())
  const log: { readonly stream: string; readonly id: string }[] = []
  const ids = (name: string) => log.filter((event) => event.stream === name).map(({ id }) => id)
  for (const each of steps) {
    if (each.kind === 'readAll') {
      const found = await allOf(store.readAll({ ...each, filter: { categories: [category] } }))
      expect(idsOf(found)).toEqual(
        cut(
          log.map(({ id }) => id),
          each,
        ),
      )
      continue
    }
    const name = `${category}-${each.stream}`
    if (each.kind === 'read') await checkRead(store, name, { ...each, ids: ids(name) })
    else
      log.push(
        ...(await checkAppend(store, name, { ...each, ids: ids(name), pool })).map((id) => ({ stream: name, id })),
      )
  }
}

type Cut = Pick<Extract<Step, { kind: 'read' }>, 'direction' | 'max'>

const cut = (ids: readonly string[], { direction, max }: Cut): readonly string[] =>
  (direction === 'forwards' ? ids : ids.toReversed()).slice(0, max)

async function checkRead(store: EventStore, name: string, { ids, ...options }: Cut & { ids: readonly string[] }) {
  const found = await store.read(name, options).catch((error: { code?: string }) => error.code)
  expect(typeof found === 'object' ? idsOf(found) : found).toEqual(
    ids.length === 0 ? 'ERR_STREAM_NOT_FOUND' : cut(ids, options),
  )
}

interface Appending {
  readonly expected: Expectation
  readonly events: readonly number[]
  readonly ids: readonly string[]
  readonly pool: readonly NewEvent[]
}

/** Appends, compares with what a list would do, and gives the ids that are new. */
async function checkAppend(store: EventStore, name: string, { expected, events, ids, pool }: Appending) {
  const chosen = events.flatMap((index) => pool[index] ?? [])
  const after = revisionOf(expected, ids.length)
  const answer = await store.append(name, chosen, { expected: after }).catch((error: unknown) => error)
  const first = after === 'noStream' ? 0 : Number(after) + 1
  const there = ids.slice(first, first + chosen.length)
  const isRepeat =
    first < ids.length && there.length === chosen.length && there.every((id, at) => id === chosen[at]?.id)
  if (first === ids.length || isRepeat) {
    expect(answer).toMatchObject({ revision: BigInt(first + chosen.length - 1) })
    return isRepeat ? [] : idsOf(chosen)
  }
  if (!(answer instanceof Conflict)) throw new Error(`expected a conflict, not ${String(answer)}`)
  expect(answer.actual).toBe(ids.length === 0 ? 'noStream' : BigInt(ids.length - 1))
  return []
}

function revisionOf(expected: Expectation, length: number): bigint | 'noStream' {
  if (expected === 'noStream') return 'noStream'
  const last = length - 1
  const revision = { last, before: last - 1, beyond: last + 1 }[expected]
  return revision < 0 ? 'noStream' : BigInt(revision)
}
