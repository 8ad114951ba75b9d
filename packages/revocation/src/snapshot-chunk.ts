import { z } from 'zod'
import {
  type Ended,
  Epoch,
  hasEpoch,
  Id,
  isScope,
  LogPosition,
  Milliseconds,
  Seconds,
  type SnapshotChunk,
} from './notice.ts'

/** The most entries that a chunk may have. */
export const CHUNK_SIZE = 10_000

/** `[scope, id, until]`, and the epoch where the scope has one; a scope nobody knows here may be followed by anything. */
const Entry = z.tuple([z.string(), Id, Seconds]).rest(z.unknown())
type Entry = z.infer<typeof Entry>

const Claims = z.object({
  iss: z.string(),
  iat: Seconds,
  exp: z.undefined().optional(),
  sub: z.undefined().optional(),
  snapshot: Id,
  index: z.int().nonnegative(),
  count: z.int().positive(),
  through: LogPosition,
  at: Milliseconds,
  ended: z.array(Entry).max(CHUNK_SIZE),
})

/** The claims of a chunk, beside `iss` and `iat`. */
export function chunkClaims({ snapshot, index, count, through, at, ended }: SnapshotChunk) {
  const entries = ended.map((each) =>
    'epoch' in each ? [each.scope, each.id, each.until, each.epoch] : [each.scope, each.id, each.until],
  )
  return { snapshot, index, count, through, at, ended: entries }
}

/** What an entry says: nothing to us when a newer issuer speaks of a scope that is not known here. */
function endedOf([scope, id, until, epoch]: Entry): readonly Ended[] {
  if (!isScope(scope)) return []
  return hasEpoch(scope) ? [{ scope, id, until, epoch: Epoch.parse(epoch) }] : [{ scope, id, until }]
}

/**
 * What the claims of a chunk say.
 *
 * @throws when they are not those of a chunk.
 */
export function readChunk(claims: unknown): SnapshotChunk {
  const { snapshot, index, count, through, at, ended } = Claims.parse(claims)
  if (index >= count) throw new TypeError('a chunk beyond the last')
  return { kind: 'chunk', snapshot, index, count, through, at, ended: ended.flatMap(endedOf) }
}
