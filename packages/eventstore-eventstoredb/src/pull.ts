import type { Readable } from 'node:stream'
import type { AbortState } from './abort-state.ts'

/** The next item of a stream; `idle` when none arrived in time; `ended` at its end. */
export type Pulled<Item> = { readonly item: Item } | 'idle' | 'ended'

/**
 * Takes one item after another from an object stream, and returns `idle` when none arrives within so many milliseconds. Buffered
 * items are returned synchronously: a promise for each of a million items would cost more than all other work.
 *
 * @throws {Error} the stream's own, when it failed.
 */
export function puller<Item>(
  stream: Readable,
  abort: AbortState,
): (ms: number) => Pulled<Item> | Promise<Pulled<Item>> {
  let failure: { readonly error: unknown } | undefined
  let isEnded = false
  let look: (() => void) | undefined
  const tell = (): void => look?.()
  stream.on('error', (error) => {
    failure ??= { error }
    tell()
  })
  for (const end of ['end', 'close']) {
    stream.on(end, () => {
      isEnded = true
      tell()
    })
  }
  stream.on('readable', tell)
  abort.onAbort = tell

  /** The result that is available without waiting. @throws {Error} the stream's own. */
  const now = (): Pulled<Item> | undefined => {
    if (abort.isAborted) return 'ended'
    const item: Item | null = stream.read()
    if (item !== null) return { item }
    if (failure) throw failure.error
    return isEnded ? 'ended' : undefined
  }

  return (ms) =>
    now() ??
    new Promise<Pulled<Item>>((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        look = undefined
        act()
      }
      const timer = setTimeout(() => settle(() => resolve('idle')), ms)
      look = () => {
        try {
          const pulled = now()
          if (pulled !== undefined) settle(() => resolve(pulled))
        } catch (error) {
          settle(() => reject(error))
        }
      }
    })
}
