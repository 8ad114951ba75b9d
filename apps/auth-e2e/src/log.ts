import { join } from 'node:path'
import type { RecordedEvent } from '@ledgate/eventsourcing'
import { openSqliteEventReader } from '@ledgate/eventstore-sqlite'
import type { Installation } from './server.ts'

/** Every event of an installation, in order, read beside its server or without one. */
export async function eventsOf({ dataDir }: Installation): Promise<readonly RecordedEvent[]> {
  const reader = await openSqliteEventReader({ file: join(dataDir, 'events.db') })
  try {
    const events: RecordedEvent[] = []
    for await (const event of reader.readAll()) events.push(event)
    return events
  } finally {
    await reader.close()
  }
}

const byStream = (events: readonly RecordedEvent[]) => Map.groupBy(events, ({ stream }) => stream)

const has = (events: readonly RecordedEvent[], type: string) => events.some((event) => event.type === type)

/** The generations that a grant's stream went through, from what its events say. */
function generations(events: readonly RecordedEvent[]): readonly number[] {
  const grants = events
    .filter(({ type }) => type === 'GrantOpened' || type === 'RefreshRotated')
    .map(({ data }) => data['grant'] as { refresh: { generation: number } })
  return grants.map(({ refresh }) => refresh.generation)
}

/** The events of streams that began with them: of the others, only a part is there. */
export function begun(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
  const streams = new Set(events.filter(({ revision }) => revision === 0n).map(({ stream }) => stream))
  return events.filter(({ stream }) => streams.has(stream))
}

/** What is half-done in a log at rest, in words: a token without its renewal, a generation twice, a user stuck. */
export function halfDone(events: readonly RecordedEvent[]): readonly string[] {
  const found: string[] = []
  for (const [stream, some] of byStream(events)) {
    if (stream.startsWith('grant-')) {
      if (some[0]?.type !== 'TokenIssued' || some[1]?.type !== 'GrantOpened')
        found.push(`${stream} was not opened whole`)
      if (generations(some).some((generation, index) => generation !== index)) found.push(`${stream} skips or repeats`)
      some.forEach(({ type }, index) => {
        const renewed = type === 'RefreshRotated' || type === 'RefreshReplayed'
        if (renewed && some[index - 1]?.type !== 'TokenIssued') found.push(`${stream} renewed without a token`)
      })
    }
    if (stream.startsWith('user-') && !has(some, 'UserRegistered')) found.push(`${stream} was never registered`)
  }
  return found
}

/** Every `jti` that the log knows. */
export const issuedIn = (events: readonly RecordedEvent[]): ReadonlySet<string> =>
  new Set(events.filter(({ type }) => type === 'TokenIssued').map(({ data }) => String(data['jti'])))

/** The types of events that end tokens, said here as design section 5 has them. */
const ENDING_TYPES = [
  'RolesAssigned',
  'UserDisabled',
  'UserSessionsRevoked',
  'SubjectErased',
  'ClientUpdated',
  'ClientDisabled',
  'SessionRevoked',
  'SessionEnded',
  'TokenRevoked',
  'GrantRevoked',
  'ServiceTokenRevoked',
  'IssuerEpochRaised',
]

/** The ids of the events that end tokens, in order: each of them has to be told to everybody. */
export const endingsIn = (events: readonly RecordedEvent[]): readonly string[] =>
  events.filter(({ type }) => ENDING_TYPES.includes(type)).map(({ id }) => id)
