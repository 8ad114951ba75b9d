/** Items that a reader may be behind before nothing more is taken from the source. */
const AHEAD = 10_000

/**
 * What comes from a source while its reader is busy, as one batch; nothing waits for more to come.
 *
 * @throws what the source throws, once everything that came before was given.
 */
export async function* batch<Item>(source: AsyncIterable<Item>, max: number): AsyncGenerator<readonly Item[]> {
  const items: Item[] = []
  let isEnded = false
  let failure: { readonly error: unknown } | undefined
  let tell = (): void => {}
  const told = () => new Promise<void>((resolve) => (tell = resolve))
  const iterator = source[Symbol.asyncIterator]()

  async function pull(): Promise<void> {
    try {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        items.push(next.value)
        tell()
        while (items.length >= AHEAD && !isEnded) await told()
        if (isEnded) return
      }
    } catch (error) {
      failure = { error }
    }
    isEnded = true
    tell()
  }

  void pull()
  try {
    for (;;) {
      if (items.length > 0) {
        const batch = items.splice(0, max)
        tell()
        yield batch
      } else if (failure !== undefined) throw failure.error
      else if (isEnded) return
      else await told()
    }
  } finally {
    isEnded = true
    tell()
    void iterator.return?.()
  }
}
