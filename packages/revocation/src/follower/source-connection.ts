import { setImmediate as turn } from 'node:timers/promises'
import { type Clock, givenUpOn, unlessAborted } from '../time/index.ts'
import { BrokenFeed, coverage } from './snapshot-coverage.ts'
import type { FeedItem, OpenFeed, RevocationSource } from '../feed/index.ts'
import {
  type Ended,
  type FeedStatement,
  type Heartbeat,
  InvalidStatement,
  type Notice,
  type OpenOptions,
  type openStatements,
  type SnapshotChunk,
  type UnknownEvent,
} from '../statement/index.ts'

/** Who is told what an opening gives, in the order of its stream. */
export interface Listener {
  ended(ended: Ended, notice: Notice | undefined): void
  /**
   * Everything that came before vouches for this place and time.
   *
   * @returns whether the source has caught up with the end of the log.
   */
  vouched(by: Heartbeat | SnapshotChunk): boolean
  /**
   * A heartbeat that vouches for nothing where it stands.
   *
   * @returns whether the source has reached the end of the log.
   */
  unvouched(heartbeat: Heartbeat): boolean
  refused(error: InvalidStatement): void
  unknown(event: UnknownEvent): void
  /** The next opening may begin after this. */
  passed(cursor: string): void
}

export interface Opening {
  readonly source: RevocationSource
  readonly from: Pick<OpenFeed, 'cursor' | 'after'>
  readonly open: ReturnType<typeof openStatements>['open']
  /** Milliseconds without a sign of life after which it is given up. */
  readonly silenceMs: number
  readonly clock: Pick<Clock, 'monotonic'>
  readonly signal: AbortSignal
  readonly listener: Listener
  /** Hears of what is wrong with the source and does not end it. */
  readonly trouble: (error: unknown) => void
  /** Hears of the promise of the source's own end, which nobody waits for here. */
  readonly ending: (end: Promise<unknown>) => void
}

/** How many signatures are checked at once, and how many endings are taken in before others get their turn. */
const AT_ONCE = 256
const A_TURN = 1_000

function* slices<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size)
}

/** A source that says nothing any more, whether it is dead or only looks like it. */
export class SilentFeed extends Error {
  readonly code = 'ERR_SILENT_FEED'

  constructor(ms: number) {
    super(`no sign of life in ${ms} ms`)
    this.name = 'SilentFeed'
  }
}

type Opened =
  | { readonly statement: FeedStatement }
  | { readonly refused: InvalidStatement }
  /** It is not known whether this is a statement: nothing after it may be taken in. */
  | { readonly trouble: unknown }

async function opened(open: Opening['open'], { jws }: FeedItem, how: OpenOptions): Promise<Opened> {
  try {
    return { statement: await open(jws, how) }
  } catch (error) {
    return error instanceof InvalidStatement ? { refused: error } : { trouble: error }
  }
}

/**
 * Follows a source once: takes in what it gives, in its order, until it ends, breaks, contradicts itself, says nothing for too
 * long, or the signal is aborted. Never waits for a source that hangs.
 *
 * @throws why it ended, unless the source ended by itself.
 */
export async function followOnce({
  source,
  from,
  open,
  silenceMs,
  signal,
  listener,
  trouble,
  ending,
  clock,
}: Opening): Promise<void> {
  const life = new AbortController()
  const stop = () => life.abort(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  const silence = setTimeout(() => life.abort(new SilentFeed(silenceMs)), silenceMs)
  const taking = takingIn(listener, life.signal, () => silence.refresh())
  try {
    for await (const batch of givenUpOn(source.open({ ...from, signal: life.signal, trouble }), life.signal, ending)) {
      const arrivedAt = clock.monotonic()
      for (const items of slices(batch, AT_ONCE)) {
        const how = { isAside: items.length > 1, arrivedAt }
        const work = Promise.all(items.map((item) => opened(open, item, how)))
        const all = await unlessAborted(work, life.signal)
        for (const [nth, each] of all.entries()) await taking(each, items[nth])
        // With more of the batch to come it is we who are slow, and not the source that is silent.
        if (items.at(-1) !== batch.at(-1)) silence.refresh()
      }
    }
  } finally {
    clearTimeout(silence)
    signal.removeEventListener('abort', stop)
    life.abort(new Error('the feed is not followed any more'))
  }
}

/**
 * Takes in one item after another. Until the end of the log everything is a sign of life but heartbeats that say nothing new;
 * afterwards only a newer heartbeat is. One that vouches for nothing never is: a source that has no others must be given up.
 */
function takingIn(listener: Listener, signal: AbortSignal, alive: () => void) {
  const covered = coverage()
  let isAtEnd = false
  let newest = Number.NEGATIVE_INFINITY

  function vouched(by: Heartbeat | SnapshotChunk): void {
    if (listener.vouched(by)) isAtEnd = true
    if (by.at > newest) alive()
    newest = Math.max(newest, by.at)
  }

  async function takeChunk(chunk: SnapshotChunk): Promise<void> {
    for (const part of slices(chunk.ended, A_TURN)) {
      for (const ended of part) listener.ended(ended, undefined)
      await turn()
      signal.throwIfAborted()
    }
    if (covered.take(chunk)) vouched(chunk)
  }

  function takeHeartbeat(heartbeat: Heartbeat, vouches: FeedItem['vouches']): void {
    if (vouches === false) {
      if (listener.unvouched(heartbeat)) isAtEnd = true
      return
    }
    if (!covered.isWhole()) throw new BrokenFeed('a heartbeat in the middle of a snapshot')
    vouched(heartbeat)
  }

  async function take(statement: FeedStatement, vouches: FeedItem['vouches']): Promise<void> {
    if (!isAtEnd && statement.kind !== 'heartbeat') alive()
    switch (statement.kind) {
      case 'notice':
        return listener.ended(statement.ended, statement)
      case 'heartbeat':
        return takeHeartbeat(statement, vouches)
      case 'chunk':
        return takeChunk(statement)
      case 'unknown':
        return listener.unknown(statement)
    }
  }

  return async (each: Opened, item: FeedItem | undefined): Promise<void> => {
    signal.throwIfAborted()
    if ('trouble' in each) throw each.trouble
    if ('refused' in each) listener.refused(each.refused)
    if (item?.isPart === true && !('statement' in each && each.statement.kind === 'chunk'))
      throw new BrokenFeed('a part of a snapshot is none')
    if ('statement' in each) await take(each.statement, item?.vouches)
    if (item !== undefined && covered.isWhole()) listener.passed(item.cursor)
  }
}
