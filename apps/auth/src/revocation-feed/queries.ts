import { START, type ViewReader } from '@ledgate/eventsourcing'
import { Ended, type Notice, Notices } from '@ledgate/revocation'
import { z } from 'zod'
import { factsAt, type NoticeFacts } from './notice.ts'

export interface PageOptions extends NoticeFacts {
  /** Whole seconds since the epoch: what is over by then is left out, so a page may be short. */
  readonly now: number
  readonly size: number
}

/** Everything that has ended and may still matter, as of one moment. */
export interface LiveRevocations {
  /** Every event up to here is in it. */
  readonly through: string
  readonly size: number
  /** All of it, by scope and name. */
  pages(options: PageOptions): Generator<readonly Ended[], void>
  /** What is told of it after a place, in the order of the log: of what was said more than once, the last time. */
  notices(after: string, options: PageOptions): Generator<readonly Notice[], void>
  /** Lets go of the moment. */
  close(): void
}

export interface RevocationQueries {
  /** Holds on to this moment until it is closed; the file grows meanwhile. */
  open(): LiveRevocations
}

const Row = z.object({
  scope: z.string(),
  id: z.string(),
  epoch: z.int().nullable(),
  ended_at: z.int(),
  exp: z.int().nullable(),
})

const NoticeRow = Row.extend({ type: z.string(), event_id: z.string(), txn: z.string(), position: z.string() })

const Place = z.object({ position: z.string() })
const PLACE = "SELECT position FROM projection_builds WHERE name = 'revocations' AND served = 1"
const SIZE = 'SELECT count(*) AS size FROM revocations'
const PAGE = `SELECT scope, id, epoch, ended_at, exp FROM revocations WHERE (scope, id) > (?, ?)
  ORDER BY scope, id LIMIT ?`

const TOLD = `SELECT scope, id, epoch, ended_at, exp, type, event_id, txn, position FROM revocations WHERE position > ?
  ORDER BY position LIMIT ?`

/** What a row means for these tokens. */
function endedOf({ scope, id, epoch, ended_at, exp }: z.infer<typeof Row>, facts: NoticeFacts): Ended {
  const { issuer, issuerEpoch, tokensUntil, keysUntil, tokenUntil } = factsAt(ended_at, facts)
  const tokens = exp === null ? tokensUntil : tokenUntil(exp)
  return Ended.parse({
    scope,
    id: scope === 'issuer' ? issuer : id,
    until: scope === 'key' ? keysUntil : tokens,
    ...(epoch !== null && { epoch, issuer_epoch: issuerEpoch }),
  })
}

function noticeOf({ type, event_id, txn, position, ...row }: z.infer<typeof NoticeRow>, facts: NoticeFacts): Notice {
  const ended = endedOf(row, facts)
  const told = { kind: 'notice', ended, type, time: row.ended_at, jti: event_id, txn, position }
  return Notices[ended.scope].parse(told)
}

export function revocationQueries(openMoment: () => ViewReader): RevocationQueries {
  return {
    open() {
      const moment = openMoment()
      const { position: through } = Place.optional().parse(moment.get(PLACE)) ?? { position: START }
      const { size } = z.object({ size: z.int() }).parse(moment.get(SIZE))
      return {
        through,
        size,
        *pages({ now, size: rows, ...facts }) {
          for (let last = { scope: '', id: '' }; ;) {
            const page = z.array(Row).parse(moment.all(PAGE, last.scope, last.id, rows))
            yield page.map((row) => endedOf(row, facts)).filter(({ until }) => until > now)
            const end = page.at(-1)
            if (end === undefined || page.length < rows) return
            last = end
          }
        },
        *notices(after, { now, size: rows, ...facts }) {
          for (let place = after; ;) {
            const page = z.array(NoticeRow).parse(moment.all(TOLD, place, rows))
            yield page.map((row) => noticeOf(row, facts)).filter(({ ended }) => ended.until > now)
            const end = page.at(-1)
            if (end === undefined || page.length < rows) return
            place = end.position
          }
        },
        close: () => moment.close(),
      }
    },
  }
}
