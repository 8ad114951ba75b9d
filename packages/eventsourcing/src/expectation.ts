import type { ExpectedRevision } from './event-store.ts'

/** What the log knows about a stream when it checks an append. Revisions are plain numbers here; -1 means none. */
export interface StreamFacts {
  /** The revision of its last event; -1 when it has none. */
  readonly last: number
  /** The id of the event at a revision up to `last`. */
  idAt(revision: number): string | undefined
  /** The revision of a recent event, as far as the store remembers. */
  recentRevision(id: string): number | undefined
}

/** What to do with an append: write it, repeat the first result (its last event has `revision`), or refuse it. */
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
  if (expected < 0n) throw new TypeError('a revision must not be negative')
  return Number(expected)
}

/**
 * Checks an append as EventStoreDB does (`IndexWriter.CheckCommit`): with a revision or `noStream` the ids are compared with
 * those that follow that revision, so a repetition is always detected; with `any` and `exists` only with recent ids. Ids that
 * match in part are a conflict.
 */
export function checkExpectation(expected: number, ids: readonly string[], stream: StreamFacts): Verdict {
  if (expected === EXISTS && stream.last < 0) return CONFLICT
  if (expected === ANY || expected === EXISTS) return checkRecentIds(ids, stream)
  if (expected === stream.last) return WRITE
  return expected < stream.last ? checkRevisions(expected, ids, stream) : CONFLICT
}

function checkRevisions(expected: number, ids: readonly string[], stream: StreamFacts): Verdict {
  const last = expected + ids.length
  if (last > stream.last) return CONFLICT
  const same = ids.every((id, index) => stream.idAt(expected + 1 + index) === id)
  return same ? { kind: 'repeat', revision: last } : CONFLICT
}

function checkRecentIds(ids: readonly string[], stream: StreamFacts): Verdict {
  const revisions = ids.map((id) => stream.recentRevision(id))
  if (revisions[0] === undefined) return WRITE
  const revision = revisions.at(-1)
  return revision !== undefined && !revisions.includes(undefined) ? { kind: 'repeat', revision } : CONFLICT
}
