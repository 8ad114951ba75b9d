/** Whether the store accepts appends; the reason is for operators. */
export type Health = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/** Counters since the store was opened. */
export interface Counters {
  /** Written appends, and the events in them. */
  readonly appends: number
  readonly events: number
  /** Transactions. */
  readonly batches: number
  /** Appends that wait for the writer or are being committed now. */
  readonly queued: number
  /** The duration of the last transaction, in milliseconds. */
  readonly lastCommitMs: number
}
