import { afterEach, beforeEach, describe } from 'vitest'
import type { EventStore } from '../../event-store.ts'
import { boundaryRules } from './boundary.ts'
import { durabilityRules } from './durability.ts'
import { idempotencyRules } from './idempotency.ts'
import { linearizabilityRules } from './linearizability.ts'
import { modelRules } from './model.ts'
import { positionRules } from './position.ts'
import { sequenceRules } from './sequence.ts'
import { since } from './since.ts'
import { subscriptionRules } from './subscription.ts'

/** One log of its own for one test. */
export interface StoreFixture {
  /** A handle on the log; all of them see the same events. */
  connect(): Promise<EventStore>
  /** Closes every handle and throws the log away. */
  dispose(): Promise<void>
}

/** What an adapter promises beyond the port. */
export interface ContractOptions {
  /** The log outlives its handles. */
  readonly durable: boolean
  /** Several handles may write at the same time. */
  readonly manyWriters?: boolean
  /** The log is empty when a test begins. Otherwise the rules see what comes after its head of then. */
  readonly startsEmpty?: boolean
  /** How often races and random walks are tried; more finds more. 20 unless told. */
  readonly rounds?: number
}

/** What a group of rules works with. */
export interface ContractSubject {
  /** The handle that is open for this test. */
  readonly store: EventStore
  readonly fixture: StoreFixture
  readonly rounds: number
  /** Events of one append, where many are wanted that somebody has to get past. */
  readonly many: number
}

const DEFAULT_ROUNDS = 20
/** Enough for every store to have to say how far it came; a log that is kept is read by whoever starts on it later. */
const MANY = { inLogOfItsOwn: 100, inKeptLog: 40 }

/**
 * Defines one test for each rule of the {@link EventStore} port. Every adapter passes all of them, so code that is
 * right with one is right with any.
 *
 * @param open gives a fresh log; no two tests share one.
 */
export function eventStoreContract(adapter: string, open: () => Promise<StoreFixture>, options: ContractOptions): void {
  describe(`${adapter} keeps the event store contract`, () => {
    let opened: { readonly fixture: StoreFixture; readonly store: EventStore } | undefined

    beforeEach(async () => {
      const fixture = await open()
      const store = await fixture.connect()
      if (options.startsEmpty) {
        opened = { fixture, store }
        return
      }
      const mark = await store.head()
      const connect = async () => since(await fixture.connect(), mark)
      opened = { fixture: { ...fixture, connect }, store: since(store, mark) }
    })
    afterEach(async () => {
      await opened?.fixture.dispose()
      opened = undefined
    })

    const subject = (): ContractSubject => {
      if (opened === undefined) throw new Error('no store is open outside a test')
      const many = options.startsEmpty ? MANY.inLogOfItsOwn : MANY.inKeptLog
      return { ...opened, rounds: options.rounds ?? DEFAULT_ROUNDS, many }
    }

    describe('sequence', () => sequenceRules(subject, options))
    describe('boundary', () => boundaryRules(subject))
    describe('position', () => positionRules(subject))
    describe('idempotency', () => idempotencyRules(subject))
    describe('linearizability', () => linearizabilityRules(subject, options))
    describe('subscription', () => subscriptionRules(subject))
    describe('model', () => modelRules(subject))
    if (options.durable) describe('durability', () => durabilityRules(subject))
  })
}
