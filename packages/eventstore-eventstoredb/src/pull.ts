import type { Readable } from 'node:stream'
import type { Over } from './over.ts'

/** What a stream gave: an item, nothing for the time it had, or its end. */
export type Pulled<Item> = { readonly item: Item } | 'idle' | 'ended'

/**
 * Takes one item after another from an object stream, and says so when none comes within so many milliseconds. What is there
 * already is given at once: a promise for each of a million would take longer than all the rest of it.
 *
 * @throws {Error} the stream's own, when it failed.
 */
export function puller<Item>(stream: Readable, over: Over): (ms: number) => Pulled<Item> | Promise<Pulled<Item>> {
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
  over.onOver = tell

  /** What can be said without waiting. @throws {Error} */
  const now = (): Pulled<Item> | undefined => {
    if (over.isOver) return 'ended'
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
