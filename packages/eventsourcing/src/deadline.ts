import { Unavailable, UnknownOutcome } from './errors.ts'
import type { EventStore } from './event-store.ts'

/** Rejects with what `late` returns when `work` has not settled after `ms` milliseconds; `work` itself goes on. */
export function settleWithin<Result>(work: Promise<Result>, ms: number, late: () => Error): Promise<Result> {
  return new Promise((resolve, reject: (reason: unknown) => void) => {
    const timer = setTimeout(() => reject(late()), ms)
    // On the path of every read: `finally` would create four more promises.
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
 * A store with a time limit for appends and reads, for an underlying store that may hang: a late append has an unknown
 * outcome, a late read is unavailable.
 *
 * @param ms the limit for one call, in milliseconds.
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
    head: () => settleWithin(store.head(), ms, () => new Unavailable(`no answer to a read of the head in ${ms} ms`)),
  }
}
