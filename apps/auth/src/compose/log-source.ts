import type { EventReader } from '@ledgate/eventsourcing'
import { openSqliteEventReader } from '@ledgate/eventstore-sqlite'
import { z } from 'zod'

/** Where a thread of its own finds the log. */
export const LogSource = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sqlite'), file: z.string() }),
  z.strictObject({ kind: z.literal('eventstoredb'), url: z.string() }),
])
export type LogSource = z.infer<typeof LogSource>

/**
 * Milliseconds between two looks at a file, or for which what came over the network waits for more: taking many events at
 * a time costs less. Who waits for a position hurries it.
 */
const POLL_MS = 20

/** How long the views leave an event of this log alone; a file is looked at now and then anyway. */
export const lingerMs = ({ kind }: LogSource): number => (kind === 'eventstoredb' ? POLL_MS : 0)

/** Opens the log for reading. */
export async function openSource(source: LogSource): Promise<EventReader & { close(): Promise<void> }> {
  if (source.kind === 'sqlite') return openSqliteEventReader({ file: source.file, pollMs: POLL_MS })
  const { openEventStoreDBEventStore } = await import('@ledgate/eventstore-eventstoredb')
  return openEventStoreDBEventStore({ url: source.url })
}
