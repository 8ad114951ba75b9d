import { setImmediate as turn } from 'node:timers/promises'
import type { EventFilter, SubscribeOptions, SubscriptionMessage } from './event-store.ts'
import type { RecordedEvent } from './event.ts'
import { type Position, START } from './position.ts'

/** One page of the log: the events that match the filter, the last position covered, and whether that is the end of the log. */
export interface Page {
  readonly events: readonly RecordedEvent[]
  readonly through: Position
  readonly atEnd: boolean
}

/** A log that can be read page by page and signals new events. */
export interface PagedLog {
  page(after: Position, filter: EventFilter | undefined): Page
  /** Resolves when the log may hold something after this position, or when the signal is aborted. */
  more(after: Position, signal: AbortSignal): Promise<void>
}

/**
 * Turns pages into a subscription: every event after the start once and in order, a `checkpoint` where the rest of a page did
 * not match the filter, and `caughtUp` whenever the end of the log is reached. It holds one page at most. A page is read
 * synchronously, so other work runs between two pages; a reader that waited for new events reads at once. A page that
 * cannot be read is reported to `onFailure` and retried until the signal is aborted.
 *
 * @throws {Error} when a page does not advance although the log has more: it would be read endlessly.
 */
export async function* followPages(
  log: PagedLog,
  options: Pick<SubscribeOptions, 'after' | 'filter' | 'onFailure'>,
  signal: AbortSignal,
): AsyncGenerator<SubscriptionMessage, void> {
  let position = options.after ?? START
  let saidCaughtUpAt: Position | undefined
  let isBehind = true
  while (!signal.aborted) {
    if (isBehind) await turn()
    const page = await readPage(log, position, options, signal)
    if (page === undefined) return
    for (const event of page.events) {
      if (signal.aborted) return
      yield { kind: 'event', event }
    }
    if (page.through < position || (page.through === position && !page.atEnd))
      throw new Error('a page of the log does not advance')
    position = page.through
    isBehind = !page.atEnd
    if (page.atEnd) {
      if (saidCaughtUpAt !== position) yield { kind: 'caughtUp', position }
      saidCaughtUpAt = position
      if (!signal.aborted) await log.more(position, signal)
    } else if (page.events.at(-1)?.position !== position) yield { kind: 'checkpoint', position }
  }
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000

async function readPage(
  log: PagedLog,
  after: Position,
  { filter, onFailure }: Pick<SubscribeOptions, 'filter' | 'onFailure'>,
  signal: AbortSignal,
): Promise<Page | undefined> {
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return log.page(after, filter)
    } catch (error) {
      onFailure?.(error)
      await wait(pause, signal)
    }
  }
  return undefined
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}

/** Wakes the readers that wait for the log to grow. */
export interface Wakeup {
  /** Resolves at the next `wake`, or when the signal is aborted. */
  sleep(signal: AbortSignal): Promise<void>
  wake(): void
}

export function createWakeup(): Wakeup {
  const sleepers = new Set<() => void>()
  return {
    sleep: (signal) =>
      new Promise((resolve) => {
        const up = () => {
          sleepers.delete(up)
          signal.removeEventListener('abort', up)
          resolve()
        }
        if (signal.aborted) return resolve()
        sleepers.add(up)
        signal.addEventListener('abort', up)
      }),
    wake() {
      for (const up of [...sleepers]) up()
    },
  }
}
