interface UnderWay<Result> {
  readonly running: Promise<Result>
  next: Promise<Result> | undefined
}

/**
 * Lets those who ask for the same thing while it is being fetched share the _next_ fetch, which begins after all of them
 * asked: what each gets is never older than its question, and a stream that everybody needs is read once at a time
 * however many need it.
 */
export function sharing<Result>(): (key: string, fetch: () => Promise<Result>) => Promise<Result> {
  const underWay = new Map<string, UnderWay<Result>>()

  return function share(key, fetch) {
    const start = (): Promise<Result> => {
      const mine: UnderWay<Result> = {
        next: undefined,
        running: fetch().finally(() => {
          if (underWay.get(key) === mine) underWay.delete(key)
        }),
      }
      underWay.set(key, mine)
      return mine.running
    }
    const current = underWay.get(key)
    if (current === undefined) return start()
    current.next ??= current.running.then(start, start)
    return current.next
  }
}
