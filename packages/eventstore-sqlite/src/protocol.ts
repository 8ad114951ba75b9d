import type { EncodedEvent } from '@ledgate/eventsourcing'

/** What the writer thread is started with. */
export interface WriterStart {
  readonly file: string
  readonly lockFile: string
}

/** One append on its way to the writer. */
export interface AppendRequest {
  readonly ticket: number
  readonly stream: string
  /** See `expectationNumber`. */
  readonly expected: number
  readonly events: readonly EncodedEvent[]
}

export type ToWriter =
  { readonly kind: 'appends'; readonly appends: readonly AppendRequest[] } | { readonly kind: 'close' }

/** What became of one append. Positions and revisions are of its last event; `first` is the revision of its first. */
export type AppendAnswer =
  | {
      readonly kind: 'written'
      readonly ticket: number
      readonly revision: number
      readonly position: number
      readonly created: number
    }
  | { readonly kind: 'repeated'; readonly ticket: number; readonly revision: number; readonly position: number }
  | { readonly kind: 'conflict'; readonly ticket: number; readonly actual: number }
  | { readonly kind: 'unwritten'; readonly ticket: number; readonly reason: string }
  | { readonly kind: 'unknown'; readonly ticket: number; readonly reason: string }

export type FromWriter =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'answers'; readonly answers: readonly AppendAnswer[]; readonly commitMs: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'closed' }
