import { DELETED, type StoredEvent } from './stored-event.ts'

/** What the metadata of a stream lets readers and scavenges forget (StreamMetadata.cs). */
export interface StreamMetadata {
  /** Events before this revision; all of them when the stream is deleted. */
  readonly truncateBefore: number
  readonly maxCount: number
  /** Seconds. */
  readonly maxAge: number
  /** Who may what, by the names of the rights (StreamAcl.cs). */
  readonly acl: Readonly<Record<string, unknown>>
}

const NONE: StreamMetadata = { truncateBefore: 0, maxCount: Infinity, maxAge: Infinity, acl: {} }
/** A stream of metadata shows its last event alone (SystemStreams.IsMetastream, IndexReader.cs). */
const OF_METADATA: StreamMetadata = { ...NONE, maxCount: 1 }
const PREFIX = '$$'

export const metastreamOf = (stream: string): string => `${PREFIX}${stream}`
export const isMetastream = (stream: string): boolean => stream.startsWith(PREFIX)
export const originalOf = (metastream: string): string => metastream.slice(PREFIX.length)

function parsed(event: StoredEvent | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(event?.data))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

const numberOr = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise)

/** @param event the last one of the stream of metadata. */
export function streamMetadata(stream: string, event: StoredEvent | undefined): StreamMetadata {
  if (isMetastream(stream)) return OF_METADATA
  if (event === undefined) return NONE
  const { $tb, $maxCount, $maxAge, $acl } = parsed(event)
  return {
    truncateBefore: numberOr($tb, 0),
    maxCount: numberOr($maxCount, Infinity),
    maxAge: numberOr($maxAge, Infinity),
    acl: typeof $acl === 'object' && $acl !== null ? { ...$acl } : {},
  }
}

export const isSoftDeleted = ({ truncateBefore }: StreamMetadata): boolean => truncateBefore === DELETED

/** The metadata of a deleted stream: nothing of what it was before (StorageWriterService.cs, WriteDelete). */
export const DELETED_METADATA = '{"$tb":9223372036854775807}'

/** The metadata of a stream that is written to after it was deleted (StorageWriterService.cs, SoftUndeleteStream). */
export const recreatedMetadata = (before: StoredEvent | undefined, firstRevision: number): string =>
  JSON.stringify({ ...parsed(before), $tb: firstRevision })

/** The first revision that `$tb` and `$maxCount` let readers see. @param last the revision of the last event. */
export const firstKept = (last: number, { truncateBefore, maxCount }: StreamMetadata): number =>
  Math.max(truncateBefore, last - maxCount + 1)

/** Whether readers of the stream still see an event. @param now milliseconds since the epoch. */
export const isKept = (event: StoredEvent, last: number, metadata: StreamMetadata, now: number): boolean =>
  event.revision >= firstKept(last, metadata) && event.created >= now - metadata.maxAge * 1_000
