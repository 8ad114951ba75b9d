interface RunningFetch<Result> {
  readonly running: Promise<Result>
  next: Promise<Result> | undefined
}

/**
 * Lets callers that ask for the same key during a fetch share the _next_ fetch, which starts after all of them asked: no result is
 * older than its request, and a stream that many callers need is read by one request at a time.
 */
export function createSharedFetch<Result>(): (key: string, fetch: () => Promise<Result>) => Promise<Result> {
  const running = new Map<string, RunningFetch<Result>>()

  return function share(key, fetch) {
    const start = (): Promise<Result> => {
      const mine: RunningFetch<Result> = {
        next: undefined,
        running: fetch().finally(() => {
          if (running.get(key) === mine) running.delete(key)
        }),
      }
      running.set(key, mine)
      return mine.running
    }
    const current = running.get(key)
    if (current === undefined) return start()
    current.next ??= current.running.then(start, start)
    return current.next
  }
}
