import type { ViewReader } from '@ledgate/eventsourcing'
import { z } from 'zod'
import { limitOf, type Page, texts } from '../projection/index.ts'

const Row = z.object({
  sid: z.string(),
  sub: z.string(),
  user_epoch: z.int(),
  auth_time: z.int(),
  amr: texts,
  touched_at: z.int(),
  idle_expires_at: z.int(),
  expires_at: z.int(),
})
export type SessionView = z.infer<typeof Row>

export interface SessionQueries {
  /** Those that have not ended, by `sid`; lifetimes and the user's epoch are for the caller to judge. */
  ofUser(sub: string, page?: Page): readonly SessionView[]
}

const OF_USER = 'SELECT * FROM sessions WHERE sub = ? AND sid > ? ORDER BY sid LIMIT ?'

export function sessionQueries(reader: ViewReader): SessionQueries {
  return {
    ofUser: (sub, { after = '', limit } = {}) => z.array(Row).parse(reader.all(OF_USER, sub, after, limitOf(limit))),
  }
}
