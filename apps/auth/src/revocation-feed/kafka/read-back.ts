/** Sees what was written to a topic come back out of it. */
export interface ReadBack {
  /**
   * Resolves once a message was read. Messages are asked for in the order of the topic, one at a time.
   *
   * @throws what ended the reading, or when the message does not come.
   */
  saw(cursor: string): Promise<void>
}

/** Messages that are remembered for who asks late. */
const REMEMBERED = 10_000
/** Milliseconds without any message after which a message does not come. */
const SILENT_MS = 10_000

/** Reads until the signal, or until the reading ends. */
export function startReadBack(
  items: AsyncIterable<readonly { readonly cursor: string }[]>,
  signal: AbortSignal,
): ReadBack {
  const seen = new Set<string>()
  let look = (): void => undefined
  let alive = (): void => undefined
  let ended: { readonly error: unknown } | undefined

  function forgetBefore(cursor?: string): void {
    for (const each of seen) {
      if (cursor === undefined ? seen.size <= REMEMBERED : each === cursor) return
      seen.delete(each)
    }
  }

  async function read(): Promise<void> {
    try {
      for await (const batch of items) {
        for (const { cursor } of batch) seen.add(cursor)
        alive()
        look()
        forgetBefore()
      }
      ended = { error: new Error('the topic is no longer read back') }
    } catch (error) {
      ended = { error }
    }
    look()
  }
  void read()

  return {
    async saw(cursor) {
      const asked = Promise.withResolvers<void>()
      const late = (): void => asked.reject(new Error('a written message could not be read back from the topic'))
      const silence = setTimeout(late, SILENT_MS)
      alive = () => void silence.refresh()
      signal.addEventListener('abort', late)
      look = () => {
        if (seen.has(cursor)) asked.resolve()
        else if (ended !== undefined) asked.reject(ended.error)
        else if (signal.aborted) late()
      }
      look()
      try {
        await asked.promise
      } finally {
        clearTimeout(silence)
        signal.removeEventListener('abort', late)
        look = alive = () => undefined
      }
      forgetBefore(cursor)
    },
  }
}
