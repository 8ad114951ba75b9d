import type { Projection } from '@ledgate/eventsourcing'
import type { EndingFacts } from './ending.ts'
import { LONGEST_TOKEN_CAP } from '../config/index.ts'
import { endingOf, ENDING_TYPES, KEY_WARNING, SKEW, timeOf } from './notice.ts'
import type { DomainRecord } from '../catalogue/index.ts'

/** What the log itself says: who the issuer is, and how long tokens live, is for the reader to say. */
const RAW: EndingFacts = {
  issuer: 'issuer',
  issuerEpoch: 0,
  tokensUntil: Infinity,
  keysUntil: Infinity,
  tokenUntil: (exp) => exp,
}

/** Seconds after which a row is surely of no use, whatever cap is configured. */
const longest = (scope: string): number => (scope === 'key' ? KEY_WARNING : LONGEST_TOKEN_CAP + SKEW)

/**
 * What has ended and may still matter: for each scope and name the highest epoch, the latest time, and the last event that
 * said so. What no token can concern any more leaves with the next event that ends something: by the log's own times, so that
 * every build agrees.
 */
export const revocations: Projection<DomainRecord> & { readonly name: 'revocations' } = {
  name: 'revocations',
  version: 1,
  schema: (table) => `
    CREATE TABLE ${table('revocations')} (
      scope TEXT NOT NULL,
      id TEXT NOT NULL,
      epoch INTEGER,
      ended_at INTEGER NOT NULL,
      exp INTEGER,
      gone_at INTEGER NOT NULL,
      type TEXT NOT NULL,
      event_id TEXT NOT NULL,
      txn TEXT NOT NULL,
      position TEXT NOT NULL,
      PRIMARY KEY (scope, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX ${table('revocations_gone')} ON ${table('revocations')} (gone_at);
    CREATE INDEX ${table('revocations_position')} ON ${table('revocations')} (position);
  `,
  prepare(database, table) {
    const forget = database.prepare(`DELETE FROM ${table('revocations')} WHERE gone_at <= ?`)
    const put = database.prepare(`
      INSERT INTO ${table('revocations')} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (scope, id) DO UPDATE SET
        epoch = max(epoch, excluded.epoch), ended_at = max(ended_at, excluded.ended_at), exp = max(exp, excluded.exp),
        gone_at = max(gone_at, excluded.gone_at), type = excluded.type, event_id = excluded.event_id, txn = excluded.txn,
        position = excluded.position
    `)

    function end(event: DomainRecord): void {
      const ending = endingOf(event, RAW)
      if (ending === undefined) return
      const { ended, type } = ending
      const time = timeOf(event)
      const exp = Number.isFinite(ended.until) ? ended.until : null
      const gone = time + longest(ended.scope)
      forget.run(time)
      put.run(
        ended.scope,
        ended.id,
        'epoch' in ended ? ended.epoch : null,
        time,
        exp,
        exp === null ? gone : Math.min(gone, exp + SKEW),
        type,
        event.id,
        event.envelope.$correlationId,
        event.position,
      )
    }
    return { on: Object.fromEntries(ENDING_TYPES.map((type) => [type, end])) }
  },
}
