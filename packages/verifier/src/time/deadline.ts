/**
 * The result of the work, if it is ready in time. The work gets a signal, but need not observe it: after the deadline its result is
 * ignored.
 *
 * @throws what the work throws; the reason of the signal if it is aborted; an `Error` if the work takes longer than `timeoutMs`.
 */
export async function withDeadline<Value>(
  work: (signal: AbortSignal) => Promise<Value>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Value> {
  const controller = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {}) // The work may finish first.
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
