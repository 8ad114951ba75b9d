import { z } from 'zod'
import {
  type Ended,
  Epoch,
  hasEpoch,
  Id,
  IssuerEpoch,
  isScope,
  LogPosition,
  Milliseconds,
  Seconds,
  type SnapshotChunk,
} from './notice.ts'

/** The most entries that a chunk may have. */
export const CHUNK_SIZE = 10_000

/**
 * `[scope, id, until]`; the epoch where the scope has one, and the issuer's epoch where it was said. A scope nobody knows here may
 * be followed by anything.
 */
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
  return { snapshot, index, count, through, at, ended: ended.map(entryOf) }
}

function entryOf(ended: Ended): readonly (string | number)[] {
  const { scope, id, until } = ended
  if (!('epoch' in ended)) return [scope, id, until]
  const issuerEpoch = 'issuer_epoch' in ended ? ended.issuer_epoch : undefined
  return issuerEpoch === undefined ? [scope, id, until, ended.epoch] : [scope, id, until, ended.epoch, issuerEpoch]
}

/** What an entry says: nothing to us when a newer issuer speaks of a scope that is not known here. */
function endedOf([scope, id, until, epoch, fifth]: Entry): readonly Ended[] {
  if (!isScope(scope)) return []
  if (!hasEpoch(scope)) return [{ scope, id, until }]
  const ended = { id, until, epoch: Epoch.parse(epoch) }
  const issuer_epoch = IssuerEpoch.parse(fifth)
  return scope === 'issuer' || issuer_epoch === undefined ? [{ scope, ...ended }] : [{ scope, ...ended, issuer_epoch }]
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
