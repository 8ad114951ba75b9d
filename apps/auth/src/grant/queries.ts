import type { ViewReader } from '@ledgate/eventsourcing'
import { z } from 'zod'
import { limitOf, type Page, texts } from '../projection/index.ts'

const Row = z.object({
  gid: z.string(),
  sub: z.string(),
  client_id: z.string(),
  sid: z.string(),
  grant_type: z.string(),
  scope: texts,
  aud: texts,
  user_epoch: z.int(),
  client_epoch: z.int(),
  opened_at: z.int(),
  /** When the refresh token was last rotated; `null` if never. */
  refreshed_at: z.int().nullable(),
  /** Of the refresh token; `null` when the grant has none. */
  idle_expires_at: z.int().nullable(),
  expires_at: z.int().nullable(),
})
export type GrantView = z.infer<typeof Row>

/** Grants that were not revoked, by `gid`; lifetimes and epochs are for the caller to judge. */
export interface GrantQueries {
  ofUser(sub: string, page?: Page): readonly GrantView[]
  ofClient(clientId: string, page?: Page): readonly GrantView[]
}

export function grantQueries(reader: ViewReader): GrantQueries {
  const of = (column: 'sub' | 'client_id') => {
    const sql = `SELECT * FROM grants WHERE ${column} = ? AND gid > ? ORDER BY gid LIMIT ?`
    return (owner: string, { after = '', limit }: Page = {}) =>
      z.array(Row).parse(reader.all(sql, owner, after, limitOf(limit)))
  }
  return { ofUser: of('sub'), ofClient: of('client_id') }
}
