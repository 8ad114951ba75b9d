import type { ViewReader } from '@ledgate/eventsourcing'
import { z } from 'zod'
import { limitOf, type Page, texts } from '../projection/index.ts'

const Row = z.object({
  gid: z.string(),
  sub: z.string(),
  client_id: z.string(),
  sid: z.string(),
  scope: texts,
  aud: texts,
  user_epoch: z.int(),
  opened_at: z.int(),
  /** When the refresh token was last rotated; `null` if never. */
  refreshed_at: z.int().nullable(),
  /** When the refresh token expires; `null` when the grant has none. */
  expires_at: z.int().nullable(),
})
export type GrantView = z.infer<typeof Row>

export interface GrantQueries {
  /** Those that were not revoked, by `gid`; lifetimes and epochs are for the caller to judge. */
  ofUser(sub: string, page?: Page): readonly GrantView[]
}

const OF_USER = 'SELECT * FROM grants WHERE sub = ? AND gid > ? ORDER BY gid LIMIT ?'

export function grantQueries(reader: ViewReader): GrantQueries {
  return {
    ofUser: (sub, { after = '', limit } = {}) => z.array(Row).parse(reader.all(OF_USER, sub, after, limitOf(limit))),
  }
}
