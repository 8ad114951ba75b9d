import { type EventReader, type Projector, START } from '@ledgate/eventsourcing'
import { decode } from '../catalogue/index.ts'

/** How much of the log was read again, and how long that took. */
export interface Replayed {
  readonly events: number
  readonly elapsedMs: number
}

/** Reads and decodes the whole log, and nothing else. */
export async function replayDecoding(reader: EventReader): Promise<Replayed> {
  const began = performance.now()
  let events = 0
  for await (const recorded of reader.readAll()) {
    decode(recorded)
    events += 1
  }
  return { events, elapsedMs: performance.now() - began }
}

/**
 * Builds every view from the start of the log.
 *
 * @param open starts a projector over an empty file.
 * @throws {Error} when a view stopped, naming the event.
 */
export async function replayViews(
  reader: EventReader,
  open: () => Promise<Pick<Projector, 'waitFor' | 'health' | 'close'>>,
): Promise<Replayed> {
  let events = 0
  for await (const last of reader.readAll({ direction: 'backwards', max: 1 })) {
    const began = performance.now()
    const projector = await open()
    try {
      const isDone = await projector.waitFor(last.position, { timeoutMs: 3_600_000 })
      const elapsedMs = performance.now() - began
      if (!isDone) throw new Error(`the views did not catch up: ${JSON.stringify(projector.health())}`)
      for await (const _ of reader.readAll({ after: START })) events += 1
      return { events, elapsedMs }
    } finally {
      await projector.close()
    }
  }
  return { events, elapsedMs: 0 }
}
