import {
  type Json,
  type JsonObject,
  keptPosition,
  readLastEvents,
  type Position,
  type PositionParser,
} from '@ledgate/eventsourcing'
import { z } from 'zod'
import { Actor, type AnyRecord, type EventLog } from '../../log/index.ts'
import { LARGEST_LIMIT } from '../../projection/index.ts'
import type { AuditQueries, AuditQuery } from '../../audit/index.ts'
import { wholeNumber } from '../../config/index.ts'
import { positionIn } from './parse-position.ts'
import { Malformed } from '../../refusal/index.ts'

const actorIn = (text: string) => ({ type: text.slice(0, text.indexOf(':')), id: text.slice(text.indexOf(':') + 1) })

/** Which events an operator wants to see; default: the newest. */
export const EventsQuery = z.object({
  last: wholeNumber(1, LARGEST_LIMIT).default(20),
  stream: z.string().optional(),
  type: z.string().optional(),
  subject: z.string().optional(),
  /** `type:id`, e.g. `client:demo`. */
  actor: z
    .string()
    .refine((value) => Actor.safeParse(actorIn(value)).success, { error: 'is not an actor such as client:demo' })
    .optional(),
  /** Milliseconds since the epoch. */
  since: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
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

const asShown = ({ id, stream, revision, position, created, type, data, envelope }: AnyRecord): JsonObject => ({
  position,
  time: new Date(created).toISOString(),
  type,
  stream,
  revision: Number(revision),
  id,
  data: shown(data as unknown as Json) ?? null,
  metadata: shown(envelope as unknown as Json) ?? null,
})

async function ofStream(log: EventLog, stream: string, last: number): Promise<readonly AnyRecord[]> {
  const events = await readLastEvents(log.store, stream, last)
  return events.map(log.decode).filter((record) => record !== undefined)
}

/** From the log itself, backwards. */
async function newest(log: EventLog, last: number): Promise<AnyRecord[]> {
  const records: AnyRecord[] = []
  for await (const event of log.store.readAll({ direction: 'backwards', max: last })) {
    const record = log.decode(event)
    if (record !== undefined) records.push(record)
  }
  return records
}

/** By the index of the audit view; the events themselves come from the log. */
async function searched(
  log: EventLog,
  views: { readonly audit: AuditQueries },
  { last, type, subject, actor, since }: EventsQuery,
): Promise<AnyRecord[]> {
  const records: AnyRecord[] = []
  let after: AuditQuery = {}
  for (;;) {
    const by = actor === undefined ? undefined : Actor.parse(actorIn(actor))
    const page = views.audit.query({ type, subject, actor: by, since, limit: last - records.length, ...after })
    for (const entry of page.entries) {
      for await (const event of log.store.readAll({ after: keptPosition(log.store, entry.before), max: 1 })) {
        const record = log.decode(event)
        if (record !== undefined) records.push(record)
      }
    }
    if (page.next === undefined || records.length >= last) return records
    after = { after: page.next }
  }
}

/** Everything after a place, oldest first, and how far that is. */
async function following(log: EventLog, after: Position, last: number) {
  const records: AnyRecord[] = []
  let position = after
  for await (const event of log.store.readAll({ after, max: last })) {
    const record = log.decode(event)
    if (record !== undefined) records.push(record)
    position = event.position
  }
  return { records, position }
}

/** A place that was given in an answer of before. @throws {Malformed} when the log never had it. */
function placeIn(store: PositionParser, text: string, head: Position): Position {
  const place = positionIn(store, text, 'after')
  if (place > head) throw new Malformed('after: is beyond the end of the log')
  return place
}

/** What an operator is shown: events, oldest first, and the place after which everything else comes. */
export interface EventsShown {
  readonly events: JsonObject[]
  readonly position: Position
}

/**
 * Events as an operator may see them.
 *
 * @param head where the log ended before it was asked.
 * @throws {Malformed} when the place to go on after is none of this log.
 */
export async function listEvents(
  log: EventLog,
  views: { readonly audit: AuditQueries },
  { head, ...query }: EventsQuery & { readonly head: Position },
): Promise<EventsShown> {
  const { stream, type, subject, actor, since, after, last } = query
  if (after !== undefined) {
    const { records, position } = await following(log, placeIn(log.store, after, head), last)
    return { events: records.map(asShown), position }
  }
  const isSearch = type !== undefined || subject !== undefined || actor !== undefined || since !== undefined
  const records =
    stream !== undefined
      ? await ofStream(log, stream, last)
      : isSearch
        ? await searched(log, views, query)
        : await newest(log, last)
  const position = records.reduce((end, record) => (record.position > end ? record.position : end), head)
  return { events: [...records].reverse().map(asShown), position }
}
