import { setTimeout as pause } from 'node:timers/promises'
import type { EventStore } from '@ledgate/eventsourcing'

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

/** A store whose process dies at its n-th append (from 0), before it is written or after. */
export function crashingStore(store: EventStore, at: number, when: 'before' | 'after'): EventStore {
  let appends = 0
  const dead = () => {
    throw new Crash('the process died')
  }
  return {
    ...store,
    async read(...request) {
      return appends > at ? dead() : store.read(...request)
    },
    async append(...request) {
      const number = appends++
      if (number > at || (number === at && when === 'before')) return dead()
      const answer = await store.append(...request)
      return number === at ? dead() : answer
    },
  }
}
