import type { EventReader } from '@ledgate/eventsourcing'
import { openEventStoreDBEventStore } from '@ledgate/eventstore-eventstoredb'
import { openSqliteEventReader } from '@ledgate/eventstore-sqlite'
import { z } from 'zod'

/** Where a thread of its own finds the log. */
export const LogSource = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sqlite'), file: z.string() }),
  z.strictObject({ kind: z.literal('eventstoredb'), url: z.string() }),
])
export type LogSource = z.infer<typeof LogSource>

/** Milliseconds between two looks at a file: looking costs less than being told of every commit. Who waits wakes it. */
const POLL_MS = 20

/** Opens the log for reading. */
export async function openSource(source: LogSource): Promise<EventReader & { close(): Promise<void> }> {
  return source.kind === 'sqlite'
    ? openSqliteEventReader({ file: source.file, pollMs: POLL_MS })
    : openEventStoreDBEventStore({ url: source.url })
}
