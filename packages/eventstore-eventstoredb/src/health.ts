/** Whether the cluster answered the last call, and the reason for operators if it did not. */
export type Health = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/** The appends of this process since the store was opened. */
export interface Counters {
  readonly appends: number
  readonly events: number
  /** Round trips to the leader. */
  readonly batches: number
  /** Calls that wait for an answer now. */
  readonly queued: number
  readonly lastCommitMs: number
}
