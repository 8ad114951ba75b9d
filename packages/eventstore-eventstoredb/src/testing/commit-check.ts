import type { StoredEvent } from './stored-event.ts'
import { isKept, isSoftDeleted, metastreamOf } from './stream-metadata.ts'
import { hasTombstone, type TransactionLog } from './transaction-log.ts'

/** An expectation as one number: a revision, or one of these (ExpectedVersion.cs). */
export const NO_STREAM = -1
export const ANY = -2
export const EXISTS = -4

/** What the writer of a leader makes of a write. */
export type CommitCheck =
  | { readonly kind: 'write'; readonly last: number; readonly isRecreated: boolean }
  | { readonly kind: 'wrongExpectedVersion'; readonly current: number }
  | { readonly kind: 'streamDeleted' }
  /** Written before. `event` is the last one of it, where readers of the stream can still see it. */
  | { readonly kind: 'repeat'; readonly revision: number; readonly event: StoredEvent | undefined }
  /** Written before, and no majority has it yet: dropped without an answer (StorageWriterService.cs:790-792). */
  | { readonly kind: 'dropped' }

export interface CheckedLog {
  readonly log: TransactionLog
  /** Records that a majority has. */
  readonly committed: number
  readonly gone: ReadonlySet<StoredEvent>
}

/** Judges a write as the leader's writer does (IndexWriter.cs, CheckCommit): by what is written, replicated or not. */
export function commitCheck(
  { log, committed, gone }: CheckedLog,
  stream: string,
  ids: readonly string[],
  expected: number,
): CommitCheck {
  if (hasTombstone(log, stream)) return { kind: 'streamDeleted' }
  const last = log.last(stream)?.revision ?? -1
  const metadata = log.metadata(stream)
  const isDeleted = isSoftDeleted(metadata)
  const wrong: CommitCheck = { kind: 'wrongExpectedVersion', current: last }
  const write: CommitCheck = { kind: 'write', last, isRecreated: isDeleted }
  if (expected === EXISTS) {
    if (isDeleted) return { kind: 'streamDeleted' }
    if (last < 0 && log.last(metastreamOf(stream)) === undefined) return wrong
  }

  const repeated = (revision: number): CommitCheck => {
    const event = log.at(stream, revision)
    if ((log.last(stream, committed)?.revision ?? -1) < revision) return { kind: 'dropped' }
    const isRead = event !== undefined && isKept(event, last, metadata, Date.now()) && !gone.has(event)
    return { kind: 'repeat', revision, event: isRead ? event : undefined }
  }

  if (expected === ANY || expected === EXISTS) {
    const known = ids.map((id) => log.recent(id)).map((event) => (event?.stream === stream ? event : undefined))
    if (known[0] === undefined) return write
    const end = known.at(-1)
    return end === undefined || known.includes(undefined) ? wrong : repeated(end.revision)
  }
  if (expected > last) return wrong
  if (expected === last) return write
  const isKnown = (id: string, offset: number): boolean => {
    const revision = expected + 1 + offset
    const recent = log.recent(id)
    if (recent?.stream === stream && recent.revision === revision) return true
    const written = log.at(stream, revision)
    return written?.id === id && !gone.has(written)
  }
  if (ids.length > 0 && ids.every(isKnown)) return repeated(expected + ids.length)
  const isNew = ids[0] !== undefined && !isKnown(ids[0], 0)
  return isNew && expected === NO_STREAM && isDeleted ? write : wrong
}
