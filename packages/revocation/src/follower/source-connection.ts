import { RevocationError } from '../error/index.ts'
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
import { type Clock, givenUpOn, unlessAborted } from '../time/index.ts'
import { slices, StatementIntake } from './statement-intake.ts'

/** Is told what a connection gives, in the order of its stream. */
export interface ConnectionListener {
  revoked(ended: Ended, notice: Notice | undefined): void
  /**
   * Everything up to this position and time was given.
   *
   * @returns whether the source has caught up with the end of the log.
   */
  confirmed(by: Heartbeat | SnapshotChunk): boolean
  /**
   * A heartbeat that confirms nothing, because of what the source knows about its place in the stream.
   *
   * @returns whether the source has reached the end of the log.
   */
  unconfirmed(heartbeat: Heartbeat): boolean
  refused(error: InvalidStatement): void
  unknown(event: UnknownEvent): void
  /** The next connection may continue after this cursor. */
  advanced(cursor: string): void
}

export interface SourceConnection {
  readonly source: RevocationSource
  readonly from: Pick<OpenFeed, 'cursor' | 'after'>
  readonly open: ReturnType<typeof openStatements>['open']
  /** Milliseconds without a sign of life after which the connection is given up. */
  readonly silenceMs: number
  readonly clock: Pick<Clock, 'monotonic'>
  readonly signal: AbortSignal
  readonly listener: ConnectionListener
  /** Is called with what is wrong with the source and does not end the connection. */
  readonly onTrouble: (error: unknown) => void
  /** Is given the promise of the source's own cleanup, which the connection does not wait for. */
  readonly onCleanup: (cleanup: Promise<unknown>) => void
}

/** How many signatures are verified at once. */
const VERIFIED_AT_ONCE = 256

/** No sign of life came from a source: it is dead, or cannot be told from a dead one. */
export class SilentFeed extends RevocationError {
  override readonly name = 'SilentFeed'
  readonly code = 'ERR_SILENT_FEED'

  constructor(ms: number) {
    super(`no sign of life in ${ms} ms`)
  }
}

/** A message after its verification. */
export type Verified =
  | { readonly statement: FeedStatement }
  | { readonly refused: InvalidStatement }
  /** Whether it is a statement cannot be known now: nothing after it may be applied. */
  | { readonly failure: unknown }

async function verify(open: SourceConnection['open'], { jws }: FeedItem, how: OpenOptions): Promise<Verified> {
  try {
    return { statement: await open(jws, how) }
  } catch (error) {
    return error instanceof InvalidStatement ? { refused: error } : { failure: error }
  }
}

/**
 * Reads a source once: applies what it gives, in its order, until it ends, breaks, contradicts itself, is silent for too long, or
 * the signal is aborted. Never waits for a source that hangs.
 *
 * @throws why the connection ended, unless the source ended it.
 */
export async function readConnection(connection: SourceConnection): Promise<void> {
  const { source, from, silenceMs, signal, listener, onTrouble, onCleanup } = connection
  const life = new AbortController()
  const stop = () => life.abort(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  const silence = setTimeout(() => life.abort(new SilentFeed(silenceMs)), silenceMs)
  const intake = new StatementIntake(listener, life.signal, () => silence.refresh())
  try {
    const batches = source.open({ ...from, signal: life.signal, trouble: onTrouble })
    for await (const batch of givenUpOn(batches, life.signal, onCleanup))
      await takeBatch(batch, connection, { intake, silence, signal: life.signal })
  } finally {
    clearTimeout(silence)
    signal.removeEventListener('abort', stop)
    life.abort(new Error('the feed is no longer followed'))
  }
}

interface Reading {
  readonly intake: StatementIntake
  readonly silence: NodeJS.Timeout
  readonly signal: AbortSignal
}

async function takeBatch(
  batch: readonly FeedItem[],
  { open, clock }: SourceConnection,
  { intake, silence, signal }: Reading,
): Promise<void> {
  const arrivedAt = clock.monotonic()
  for (const items of slices(batch, VERIFIED_AT_ONCE)) {
    const how = { isAside: items.length > 1, arrivedAt }
    const work = Promise.all(items.map((item) => verify(open, item, how)))
    const verified = await unlessAborted(work, signal)
    for (const [nth, each] of verified.entries()) await intake.take(each, items[nth])
    // While more of the batch is to be verified, the reader is slow and the source is not silent.
    if (items.at(-1) !== batch.at(-1)) silence.refresh()
  }
}
