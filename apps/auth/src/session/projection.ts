import { defineProjection } from '../projection/index.ts'
import { type SessionState, sessionStream } from './events.ts'

/**
 * The sessions that have not ended, by person. A session past its absolute lifetime leaves with the next one that
 * starts: by the log's own times, so that every build agrees.
 */
export const sessions = defineProjection({
  name: 'sessions',
  version: 1,
  streams: [sessionStream],
  schema: (table) => `
    CREATE TABLE ${table('sessions')} (
      sid TEXT PRIMARY KEY,
      sub TEXT NOT NULL,
      user_epoch INTEGER NOT NULL,
      auth_time INTEGER NOT NULL,
      amr TEXT NOT NULL,
      touched_at INTEGER NOT NULL,
      idle_expires_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX ${table('sessions_sub')} ON ${table('sessions')} (sub, sid);
    CREATE INDEX ${table('sessions_expiry')} ON ${table('sessions')} (expires_at);
  `,
  prepare(database, table) {
    const insert = database.prepare(`INSERT OR REPLACE INTO ${table('sessions')} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
    const touch = database.prepare(`UPDATE ${table('sessions')} SET touched_at = ?, idle_expires_at = ? WHERE sid = ?`)
    const remove = database.prepare(`DELETE FROM ${table('sessions')} WHERE sid = ?`)
    const expire = database.prepare(`DELETE FROM ${table('sessions')} WHERE expires_at <= ?`)
    const ended = ({ data }: { readonly data: { readonly session: SessionState } }) => void remove.run(data.session.sid)
    return {
      on: {
        SessionStarted({ data: { session }, created }) {
          expire.run(Math.floor(created / 1000))
          insert.run(
            session.sid,
            session.sub,
            session.user_epoch,
            session.auth_time,
            JSON.stringify(session.amr),
            session.touched_at,
            session.idle_expires_at,
            session.expires_at,
          )
        },
        SessionTouched: ({ data: { session } }) =>
          void touch.run(session.touched_at, session.idle_expires_at, session.sid),
        SessionRevoked: ended,
        SessionEnded: ended,
      },
    }
  },
})
