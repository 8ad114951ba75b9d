/**
 * What a promise gives, unless the signal is aborted first: then it rejects with the signal's reason at once, and what the
 * promise does later is nobody's business any more.
 */
export function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Waits so many milliseconds, or until the signal is aborted. */
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
 * What an iterable gives until the signal is aborted; then it rejects with the signal's reason at once, though the iterable
 * may hang for ever. Whoever stops early lets it know, and does not wait for it either.
 *
 * @param ending hears of the promise of the iterable's own end.
 */
export async function* givenUpOn<Item>(
  iterable: AsyncIterable<Item>,
  signal: AbortSignal,
  ending: (end: Promise<unknown>) => void,
): AsyncGenerator<Item, void> {
  const iterator = iterable[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal)
      if (next.done === true) return
      yield next.value
    }
  } finally {
    const end = Promise.resolve().then(() => iterator.return?.())
    ending(end.catch(() => undefined))
  }
}
