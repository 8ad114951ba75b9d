/** Whether the store takes appends; the reason is for operators. */
export type Health = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/** What happened since the store was opened. */
export interface Counters {
  /** Appends that were written, and the events in them. */
  readonly appends: number
  readonly events: number
  /** Transactions. */
  readonly batches: number
  /** Appends that wait for the writer or are being committed now. */
  readonly queued: number
  /** How long the last transaction took, in milliseconds. */
  readonly lastCommitMs: number
}
