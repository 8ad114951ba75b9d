import type { EncodedEvent } from '@ledgate/eventsourcing'

/** Messages to the writer's thread: a batch is committed as one transaction. */
export type ToWriter = { readonly kind: 'batch'; readonly cells: readonly Cell[] } | { readonly kind: 'close' }

/** Messages from the writer: one answer for each message, in order, and `broken` when it failed between two. */
export type FromWriter =
  | { readonly kind: 'ready'; readonly head: number }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'committed'; readonly numbers: readonly number[]; readonly commitMs: number }
  | { readonly kind: 'busy'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly outcome: 'nothing written' | 'unknown' }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'closed' }

/** Batches are flat arrays: the structured clone of many small objects would cost more than the append. */
export type Cell = string | number

/** An append for the writer. `expected` is an expectation number. */
export interface AppendRequest {
  readonly stream: string
  readonly expected: number
  readonly created: number
  readonly events: readonly EncodedEvent[]
}

/** The outcome of one append: `revision` and `position` of its last event, or the stream's last revision (-1: none). */
export interface AppendOutcome {
  readonly kind: 'written' | 'repeated' | 'conflict'
  readonly revision: number
  readonly position: number
}

/** Adds an append to the cells of a batch. */
export function putRequest(cells: Cell[], { stream, expected, created, events }: AppendRequest): void {
  cells.push(stream, expected, created, events.length)
  for (const { id, type, data, metadata } of events) cells.push(id, type, data, metadata)
}

/** The appends in the cells of a batch. */
export function* takeRequests(cells: readonly Cell[]): Generator<AppendRequest, void> {
  const next = cells.values()
  const text = () => String(next.next().value)
  const number = () => Number(next.next().value)
  for (let cell = next.next(); !cell.done; cell = next.next()) {
    const [stream, expected, created, count] = [String(cell.value), number(), number(), number()]
    const events = Array.from({ length: count }, () => ({ id: text(), type: text(), data: text(), metadata: text() }))
    yield { stream, expected, created, events }
  }
}

const KINDS = ['written', 'repeated', 'conflict'] as const
const NUMBERS_PER_OUTCOME = 3

/** Adds an outcome to the numbers of an answer. */
export function putOutcome(numbers: number[], { kind, revision, position }: AppendOutcome): void {
  numbers.push(KINDS.indexOf(kind), revision, position)
}

/** The outcome at `index` of an answer. */
export function outcomeAt(numbers: readonly number[], index: number): AppendOutcome {
  const [kind = -1, revision = -1, position = -1] = numbers.slice(
    index * NUMBERS_PER_OUTCOME,
    (index + 1) * NUMBERS_PER_OUTCOME,
  )
  const name = KINDS[kind]
  if (name === undefined) throw new Error('the writer answered fewer appends than it received')
  return { kind: name, revision, position }
}
