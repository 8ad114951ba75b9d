import { Unavailable, UnknownOutcome } from './errors.ts'
import type { EventStore } from './event-store.ts'

/** Rejects with what `late` returns when `work` has not settled after `ms` milliseconds; `work` itself goes on. */
export function settleWithin<Result>(work: Promise<Result>, ms: number, late: () => Error): Promise<Result> {
  return new Promise((resolve, reject: (reason: unknown) => void) => {
    const timer = setTimeout(() => reject(late()), ms)
    // Every read passes here: `finally` would make four promises more.
    work.then(
      (result) => {
        clearTimeout(timer)
        resolve(result)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

/**
 * A store whose appends and reads end in time, also when the store below hangs: an append that is late has an unknown
 * outcome, a read that is late is unavailable.
 *
 * @param ms milliseconds for one call.
 */
export function withDeadline<Store extends EventStore>(store: Store, ms: number): Store {
  return {
    ...store,
    append: (stream, events, options) =>
      settleWithin(
        store.append(stream, events, options),
        ms,
        () => new UnknownOutcome(`no answer to an append in ${ms} ms`),
      ),
    read: (stream, options) =>
      settleWithin(store.read(stream, options), ms, () => new Unavailable(`no answer to a read in ${ms} ms`)),
    head: () => settleWithin(store.head(), ms, () => new Unavailable(`no answer to a question in ${ms} ms`)),
  }
}
