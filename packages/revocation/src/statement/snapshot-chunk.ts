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

/** The most entries of one chunk. */
export const CHUNK_SIZE = 10_000

/**
 * `[scope, id, until]`, followed by the epoch if the scope has one, and by the `issuer_epoch` if there is one. An unknown scope may be
 * followed by anything.
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

/** The revocation of an entry; none if the scope is not known here. */
function endedOf([scope, id, until, epoch, fifth]: Entry): readonly Ended[] {
  if (!isScope(scope)) return []
  if (!hasEpoch(scope)) return [{ scope, id, until }]
  const ended = { id, until, epoch: Epoch.parse(epoch) }
  const issuer_epoch = IssuerEpoch.parse(fifth)
  return scope === 'issuer' || issuer_epoch === undefined ? [{ scope, ...ended }] : [{ scope, ...ended, issuer_epoch }]
}

/**
 * Reads the claims of a chunk.
 *
 * @throws if they are not those of a chunk.
 */
export function readChunk(claims: unknown): SnapshotChunk {
  const { snapshot, index, count, through, at, ended } = Claims.parse(claims)
  if (index >= count) throw new TypeError('the index of the chunk is not below its count')
  return { kind: 'chunk', snapshot, index, count, through, at, ended: ended.flatMap(endedOf) }
}
