import type { JsonObject, Json } from '@ledgate/eventsourcing'
import { z } from 'zod'
import { Actor, decode, type DomainRecord, type EventLog } from '../log/index.ts'
import type { Views } from '../views/index.ts'

const actorIn = (text: string) => ({ type: text.slice(0, text.indexOf(':')), id: text.slice(text.indexOf(':') + 1) })

/** Which events an operator wants to see; the newest, unless told. */
export const EventsQuery = z.object({
  last: z.coerce.number().int().positive().max(1000).default(20),
  stream: z.string().optional(),
  type: z.string().optional(),
  subject: z.string().optional(),
  /** `type:id`, e.g. `client:demo`. */
  actor: z
    .string()
    .refine((value) => Actor.safeParse(actorIn(value)).success, { error: 'is no actor, like client:demo' })
    .optional(),
  /** Milliseconds since the epoch. */
  since: z.coerce.number().int().optional(),
  /** The position of the last event seen: only later ones. */
  after: z.string().optional(),
})
export type EventsQuery = z.infer<typeof EventsQuery>

/** Personal data stays sealed on its way to an operator's screen. */
function shown(value: Json | undefined): Json | undefined {
  if (typeof value === 'string') return value.startsWith('sealed.') ? '(sealed)' : value
  if (Array.isArray(value)) return value.map((each) => shown(each) ?? null)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each)]))
}

const asShown = ({ id, stream, revision, position, created, type, data, envelope }: DomainRecord): JsonObject => ({
  position,
  time: new Date(created).toISOString(),
  type,
  stream,
  revision: Number(revision),
  id,
  data: shown(data as unknown as Json) ?? null,
  metadata: shown(envelope as unknown as Json) ?? null,
})

async function ofStream(log: EventLog, stream: string, last: number): Promise<readonly DomainRecord[]> {
  return log.last(stream, last)
}

/** From the log itself, backwards. */
async function newest(log: EventLog, last: number): Promise<DomainRecord[]> {
  const records: DomainRecord[] = []
  for await (const event of log.store.readAll({ direction: 'backwards', max: last })) {
    const record = decode(event)
    if (record !== undefined) records.push(record)
  }
  return records
}

/** By the index of the audit view; the events themselves come from the log. */
async function searched(
  log: EventLog,
  views: Views,
  { last, type, subject, actor, since }: EventsQuery,
): Promise<DomainRecord[]> {
  const records: DomainRecord[] = []
  let after: Parameters<Views['audit']['query']>[0] = {}
  for (;;) {
    const by = actor === undefined ? undefined : Actor.parse(actorIn(actor))
    const page = views.audit.query({ type, subject, actor: by, since, limit: last - records.length, ...after })
    for (const entry of page.entries) {
      for await (const event of log.store.readAll({ after: entry.before, max: 1 })) {
        const record = decode(event)
        if (record !== undefined) records.push(record)
      }
    }
    if (page.next === undefined || records.length >= last) return records
    after = { after: page.next }
  }
}

/** Everything after a place, oldest first. */
async function following(log: EventLog, after: string, last: number): Promise<DomainRecord[]> {
  const records: DomainRecord[] = []
  for await (const event of log.store.readAll({ after: after as DomainRecord['position'], max: last })) {
    const record = decode(event)
    if (record !== undefined) records.push(record)
  }
  return records
}

/** Events as an operator may see them, oldest first. */
export async function listEvents(log: EventLog, views: Views, query: EventsQuery): Promise<JsonObject[]> {
  const { stream, type, subject, actor, since, after, last } = query
  if (after !== undefined) return (await following(log, after, last)).map(asShown)
  const isSearch = type !== undefined || subject !== undefined || actor !== undefined || since !== undefined
  const records =
    stream !== undefined
      ? await ofStream(log, stream, last)
      : isSearch
        ? await searched(log, views, query)
        : await newest(log, last)
  return [...records].reverse().map(asShown)
}
