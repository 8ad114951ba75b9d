import { setTimeout as pause } from 'node:timers/promises'
import type { EventStore } from '@ledgate/eventsourcing'
import type { KeyVault } from '@ledgate/vault'
import { inMemoryVault } from '@ledgate/vault/testing'

/** The process died: nothing it would have done afterwards happens. */
export class Crash extends Error {}

/** A store whose answers take a random while, so that callers meet in every order. */
export function slowStore(store: EventStore, maxMs = 4): EventStore {
  const late = () => pause(Math.random() * maxMs)
  return {
    ...store,
    async read(...request) {
      await late()
      const answer = await store.read(...request)
      await late()
      return answer
    },
    async append(...request) {
      await late()
      const answer = await store.append(...request)
      await late()
      return answer
    },
  }
}

/** A process that dies at its n-th append (from 0), before it is written or after: its store and its vault go with it. */
export function dyingProcess(
  store: EventStore,
  vault: KeyVault,
  { at, when }: { at: number; when: 'before' | 'after' },
) {
  let appends = 0
  let isDead = false
  const die = (): never => {
    isDead = true
    throw new Crash('the process died')
  }
  const alive = () => void (isDead && die())
  const dying: EventStore = {
    ...store,
    async read(...request) {
      alive()
      return store.read(...request)
    },
    async append(...request) {
      alive()
      const isLast = appends++ === at
      if (isLast && when === 'before') return die()
      const answer = await store.append(...request)
      return isLast ? die() : answer
    },
  }
  const mortal: KeyVault = {
    ...vault,
    async get(name) {
      alive()
      return vault.get(name)
    },
    async putIfAbsent(name, bytes) {
      alive()
      return vault.putIfAbsent(name, bytes)
    },
    async destroy(name) {
      alive()
      return vault.destroy(name)
    },
  }
  return { store: dying, vault: mortal }
}

/** The store of a process that dies so and keeps nothing in a vault. */
export const crashingStore = (store: EventStore, at: number, when: 'before' | 'after'): EventStore =>
  dyingProcess(store, inMemoryVault(), { at, when }).store
