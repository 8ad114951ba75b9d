import { setTimeout as pause } from 'node:timers/promises'
import { DecideAgain, decisionUnderWay } from './decision.ts'
import { StreamNotFound, Unavailable, UnknownOutcome } from './errors.ts'
import type { NewEvent, RecordedEvent } from './event.ts'
import type { AppendResult, EventStore, ExpectedRevision } from './event-store.ts'

/** How an append is settled. */
export interface SettleOptions {
  readonly expected: ExpectedRevision
  /** How often it is tried in all; 4 unless told. */
  readonly attempts?: number
}

const DEFAULT_ATTEMPTS = 4
const FIRST_PAUSE_MS = 20

/**
 * Appends, and repeats the very same append while its outcome is unknown. Once an outcome was unknown, only an answer
 * about these events settles it: a later `Unavailable` does not prove that nothing was written.
 *
 * @throws {DecideAgain} when it was not written, and whoever would write it now did not answer the reads that it was decided by.
 * @throws {UnknownOutcome} when it is still unknown after the last attempt.
 * @throws {Conflict} {@link Unavailable} and the other errors of {@link EventStore.append}, as they come.
 */
export function appendSettled(
  store: Pick<EventStore, 'append'>,
  stream: string,
  events: readonly NewEvent[],
  options: SettleOptions,
): Promise<AppendResult> {
  const settled = settle(store, stream, events, options)
  return decisionUnderWay()?.writes(settled) ?? settled
}

async function settle(
  store: Pick<EventStore, 'append'>,
  stream: string,
  events: readonly NewEvent[],
  { expected, attempts = DEFAULT_ATTEMPTS }: SettleOptions,
): Promise<AppendResult> {
  let unknown: UnknownOutcome | undefined
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await store.append(stream, events, { expected })
    } catch (error) {
      if (error instanceof DecideAgain) throw error // nothing was written, and nothing will be
      if (error instanceof UnknownOutcome) unknown = error
      else if (!(unknown && error instanceof Unavailable)) throw error
      if (attempt >= attempts) throw unknown
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1))
    }
  }
}

/** The last events of a stream, newest first; none when the stream has no event. */
export async function lastEvents(
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
