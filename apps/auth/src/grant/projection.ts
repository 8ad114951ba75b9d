import { LONGEST_TOKEN_CAP } from '../config/index.ts'
import { defineProjection } from '../projection/index.ts'
import { type GrantState, grantStream } from './events.ts'

/** When nothing of a grant can be alive any more, in seconds since the epoch. */
const endOf = ({ refresh, opened_at }: GrantState): number => (refresh?.expires_at ?? opened_at) + LONGEST_TOKEN_CAP

/**
 * The grants that were not revoked, by person. A grant that nothing can be alive of leaves with the next
 * one that is opened: by the log's own times, so that every build agrees.
 */
export const grants = defineProjection({
  name: 'grants',
  version: 2,
  streams: [grantStream],
  schema: (table) => `
    CREATE TABLE ${table('grants')} (
      gid TEXT PRIMARY KEY,
      sub TEXT NOT NULL,
      client_id TEXT NOT NULL,
      sid TEXT NOT NULL,
      scope TEXT NOT NULL,
      aud TEXT NOT NULL,
      user_epoch INTEGER NOT NULL,
      opened_at INTEGER NOT NULL,
      refreshed_at INTEGER,
      expires_at INTEGER,
      ends_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX ${table('grants_sub')} ON ${table('grants')} (sub, gid);
    CREATE INDEX ${table('grants_end')} ON ${table('grants')} (ends_at);
  `,
  prepare(database, table) {
    const insert = database.prepare(
      `INSERT OR REPLACE INTO ${table('grants')} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    const rotate = database.prepare(`UPDATE ${table('grants')} SET refreshed_at = ?, expires_at = ? WHERE gid = ?`)
    const remove = database.prepare(`DELETE FROM ${table('grants')} WHERE gid = ?`)
    const end = database.prepare(`DELETE FROM ${table('grants')} WHERE ends_at <= ?`)
    const open = (grant: GrantState) =>
      insert.run(
        grant.gid,
        grant.sub,
        grant.client_id,
        grant.sid,
        JSON.stringify(grant.scope),
        JSON.stringify(grant.aud),
        grant.user_epoch,
        grant.opened_at,
        null,
        grant.refresh?.expires_at ?? null,
        endOf(grant),
      )
    return {
      on: {
        GrantOpened({ data: { grant }, created }) {
          end.run(Math.floor(created / 1000))
          open(grant)
        },
        TokenIssued: 'ignored',
        RefreshRotated({ data: { grant } }) {
          const { gid, refresh } = grant
          if (refresh) rotate.run(refresh.rotated_at, refresh.expires_at, gid)
        },
        RefreshReplayed: 'ignored',
        // The grant's revocation follows in the same append.
        RefreshReuseDetected: 'ignored',
        TokenRevoked: 'ignored',
        GrantRevoked: ({ data }) => void remove.run(data.grant.gid),
      },
    }
  },
})
