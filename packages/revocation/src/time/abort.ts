/**
 * The result of a promise, unless the signal is aborted first: then it rejects at once with the reason of the signal, and the later
 * result of the promise is ignored.
 */
export function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Waits for this many milliseconds, or until the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    if (signal.aborted) done()
    else signal.addEventListener('abort', done)
  })
}

/**
 * The items of an iterable until the signal is aborted; then it rejects at once with the reason of the signal, even if the iterable
 * hangs. A consumer that stops early ends the iterable and does not wait for it either.
 *
 * @param onCleanup is called with the promise of the iterable's own cleanup.
 */
export async function* givenUpOn<Item>(
  iterable: AsyncIterable<Item>,
  signal: AbortSignal,
  onCleanup: (cleanup: Promise<unknown>) => void,
): AsyncGenerator<Item, void> {
  const iterator = iterable[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal)
      if (next.done === true) return
      yield next.value
    }
  } finally {
    const cleanup = Promise.resolve().then(() => iterator.return?.())
    onCleanup(cleanup.catch(() => undefined))
  }
}
