import type { ExpectedRevision } from './event-store.ts'

/** What the log knows about a stream when an append is judged. Revisions are plain numbers here; -1 means none. */
export interface StreamFacts {
  /** The revision of its last event; -1 when it has none. */
  readonly last: number
  /** The id of the event at a revision up to `last`. */
  idAt(revision: number): string | undefined
  /** The revision of an event written not long ago, as far as the store remembers. */
  recentRevision(id: string): number | undefined
}

/** What to do with an append: write it, answer as the first time (its last event has `revision`), or refuse it. */
export type Verdict =
  { readonly kind: 'write' } | { readonly kind: 'repeat'; readonly revision: number } | { readonly kind: 'conflict' }

/** An expectation as one number: a revision, or one of these. */
export const NO_STREAM = -1
export const ANY = -2
export const EXISTS = -3

const WRITE: Verdict = { kind: 'write' }
const CONFLICT: Verdict = { kind: 'conflict' }

/**
 * The number that stands for an expectation.
 *
 * @throws {TypeError} when it is a negative revision.
 */
export function expectationNumber(expected: ExpectedRevision): number {
  if (expected === 'noStream') return NO_STREAM
  if (expected === 'any') return ANY
  if (expected === 'exists') return EXISTS
  if (expected < 0n) throw new TypeError('a revision is not negative')
  return Number(expected)
}

/**
 * Judges an append as EventStoreDB does (`IndexWriter.CheckCommit`): a revision or `noStream` compares the ids with
 * those that follow that revision, so a repetition is always known; `any` and `exists` know only recent ids. Ids that
 * match in part are a conflict.
 */
export function judge(expected: number, ids: readonly string[], stream: StreamFacts): Verdict {
  if (expected === EXISTS && stream.last < 0) return CONFLICT
  if (expected === ANY || expected === EXISTS) return judgeByRecentIds(ids, stream)
  if (expected === stream.last) return WRITE
  return expected < stream.last ? judgeByRevisions(expected, ids, stream) : CONFLICT
}

function judgeByRevisions(expected: number, ids: readonly string[], stream: StreamFacts): Verdict {
  const last = expected + ids.length
  if (last > stream.last) return CONFLICT
  const same = ids.every((id, index) => stream.idAt(expected + 1 + index) === id)
  return same ? { kind: 'repeat', revision: last } : CONFLICT
}

function judgeByRecentIds(ids: readonly string[], stream: StreamFacts): Verdict {
  const revisions = ids.map((id) => stream.recentRevision(id))
  if (revisions[0] === undefined) return WRITE
  const revision = revisions.at(-1)
  return revision !== undefined && !revisions.includes(undefined) ? { kind: 'repeat', revision } : CONFLICT
}
