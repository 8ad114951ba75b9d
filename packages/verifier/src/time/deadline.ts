/**
 * What this work comes to, in time. It is given a signal, but need not listen to it: when the time is over it is left alone.
 *
 * @throws what the work throws; the reason of the signal when it was aborted; an `Error` when it took longer than `timeoutMs`.
 */
export async function withDeadline<Value>(
  work: (signal: AbortSignal) => Promise<Value>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Value> {
  const controller = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {}) // The work may be over before.
  const end = (reason: unknown): void => {
    controller.abort(reason)
    reject(reason)
  }
  const abort = (): void => end(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  const timer = setTimeout(() => end(new Error(`took longer than ${timeoutMs} ms`)), timeoutMs).unref()
  try {
    return await Promise.race([promise, work(controller.signal)])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
