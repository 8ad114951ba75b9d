import { setTimeout as pause } from 'node:timers/promises'
import { DecideAgain, decisionUnderWay } from './decision.ts'
import { StreamNotFound, Unavailable, UnknownOutcome } from './errors.ts'
import type { NewEvent, RecordedEvent } from './event.ts'
import type { AppendResult, EventStore, ExpectedRevision } from './event-store.ts'

export interface IdempotentAppendOptions {
  readonly expected: ExpectedRevision
  /** The largest number of attempts; default: 4. */
  readonly attempts?: number
}

const DEFAULT_ATTEMPTS = 4
const FIRST_PAUSE_MS = 20

/**
 * Appends, and repeats the same append with the same event ids while its outcome is unknown. After an unknown outcome only a
 * result for these events counts: a later `Unavailable` does not prove that nothing was written.
 *
 * @throws {DecideAgain} when nothing was written, and the node that would write it now is not the one that answered the reads.
 * @throws {UnknownOutcome} when the outcome is still unknown after the last attempt.
 * @throws {Conflict} {@link Unavailable} and the other errors of {@link EventStore.append}, unchanged.
 */
export function appendIdempotently(
  store: Pick<EventStore, 'append'>,
  stream: string,
  events: readonly NewEvent[],
  options: IdempotentAppendOptions,
): Promise<AppendResult> {
  const appended = appendUntilKnown(store, stream, events, options)
  return decisionUnderWay()?.writes(appended) ?? appended
}

async function appendUntilKnown(
  store: Pick<EventStore, 'append'>,
  stream: string,
  events: readonly NewEvent[],
  { expected, attempts = DEFAULT_ATTEMPTS }: IdempotentAppendOptions,
): Promise<AppendResult> {
  let unknown: UnknownOutcome | undefined
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await store.append(stream, events, { expected })
    } catch (error) {
      if (error instanceof DecideAgain) throw error // nothing was written, and nothing will be written
      if (error instanceof UnknownOutcome) unknown = error
      else if (!(unknown && error instanceof Unavailable)) throw error
      if (attempt >= attempts) throw unknown
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1))
    }
  }
}

/** Reads the last events of a stream, newest first; an empty list when the stream has no event. */
export async function readLastEvents(
  store: Pick<EventStore, 'read'>,
  stream: string,
  max = 1,
): Promise<readonly RecordedEvent[]> {
  try {
    return await store.read(stream, { direction: 'backwards', max })
  } catch (error) {
    if (error instanceof StreamNotFound) return []
    throw error
  }
}
