import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventId, type EventStore, type Position, type Projection, type RecordedEvent } from '@ledgate/eventsourcing'
import { onTestFinished } from 'vitest'

/** The smallest domain in which a lost, doubled or reordered event is visible. */
export interface Counted {
  readonly type: 'Counted'
  readonly position: Position
  readonly data: { readonly key: string; readonly n: number }
}

export const decode = (recorded: RecordedEvent): Counted | undefined =>
  recorded.type === 'Counted' ? (recorded as unknown as Counted) : undefined

/** A folder for one test. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-projection-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

let events = 0

/** Appends one event; `n` is what it counts. */
export async function count(store: EventStore, key: string, n: number): Promise<Position> {
  const event = { id: eventId('count', (events += 1)), type: 'Counted', data: { key, n }, metadata: {} }
  const { position } = await store.append(`counter-${key}`, [event], { expected: 'any' })
  return position
}

export interface SumsOptions {
  readonly name?: string
  readonly version?: number
  readonly oldestReadable?: number
  /** Called for each event, before its row is written. */
  before?(event: Counted): void
}

/** Sums by key. The chain depends on the order of events and on each being there exactly once. */
export function sums({
  name = 'sums',
  version = 1,
  oldestReadable = 0,
  before,
}: SumsOptions = {}): Projection<Counted> {
  return {
    name,
    version,
    oldestReadable,
    schema: (table) => `
      CREATE TABLE ${table(name)} (key TEXT PRIMARY KEY, total INTEGER NOT NULL, chain INTEGER NOT NULL) STRICT;
      CREATE INDEX ${table(`${name}_total`)} ON ${table(name)} (total);
    `,
    prepare(database, table) {
      const add = database.prepare(`
        INSERT INTO ${table(name)} VALUES (?, ?, 0)
        ON CONFLICT (key) DO UPDATE SET total = total + excluded.total, chain = (chain * 31 + excluded.total) % 1000000007`)
      return {
        on: {
          Counted(event) {
            before?.(event)
            add.run(event.data.key, event.data.n * (version === 1 ? 1 : 10))
          },
        },
      }
    },
  }
}
