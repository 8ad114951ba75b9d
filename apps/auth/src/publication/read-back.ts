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
const COMES_WITHIN_MS = 10_000

/** Reads until the signal, or until the reading ends. */
export function readBack(items: AsyncIterable<readonly { readonly cursor: string }[]>, signal: AbortSignal): ReadBack {
  const seen = new Set<string>()
  let look = (): void => undefined
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
        look()
        forgetBefore()
      }
      ended = { error: new Error('the topic is not read back any more') }
    } catch (error) {
      ended = { error }
    }
    look()
  }
  void read()

  return {
    async saw(cursor) {
      const asked = Promise.withResolvers<void>()
      const until = AbortSignal.any([signal, AbortSignal.timeout(COMES_WITHIN_MS)])
      const late = (): void => asked.reject(new Error('what was written to the topic did not come back'))
      until.addEventListener('abort', late)
      look = () => {
        if (seen.has(cursor)) asked.resolve()
        else if (ended !== undefined) asked.reject(ended.error)
        else if (until.aborted) late()
      }
      look()
      try {
        await asked.promise
      } finally {
        until.removeEventListener('abort', late)
        look = () => undefined
      }
      forgetBefore(cursor)
    },
  }
}
