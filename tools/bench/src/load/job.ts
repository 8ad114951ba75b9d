/**
 * What each connection of a job asks for.
 *
 * `repeat` writes the same requests round and round, each connection from another start. `refresh` opens a grant for
 * each connection with one of the `open` requests, then presents the newest refresh token of that grant every time.
 */
export type Workload =
  | { readonly kind: 'repeat'; readonly requests: readonly string[]; readonly expect: number }
  | {
      readonly kind: 'refresh'
      readonly open: readonly string[]
      readonly path: string
      readonly authorization: string
    }

/** One stretch of load on one server of this machine. */
export interface Job {
  readonly kind: 'job'
  readonly port: number
  /** Connections, each with one request in flight. With a rate: how many requests may be under way at most. */
  readonly connections: number
  readonly warmupMs: number
  readonly durationMs: number
  readonly workload: Workload
  /** Requests are sent at this rate whatever the server does, and timed from when each was due. */
  readonly ratePerSecond?: number
  /** Ends the job early, once this many requests succeeded. */
  readonly limit?: number
}

/** What a job came to. Only answers of the expected status count as completed; latencies are theirs, in milliseconds. */
export interface Measure {
  readonly kind: 'measure'
  readonly completed: number
  readonly elapsedMs: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Everything that went wrong, warm-up included, counted by status or `broken`. */
  readonly errors: Readonly<Record<string, number>>
}

/** The generator could not do the job. */
export interface JobFailed {
  readonly kind: 'jobFailed'
  readonly message: string
}

const kindOf = (message: unknown): unknown =>
  typeof message === 'object' && message !== null && 'kind' in message ? message.kind : undefined

export const isJob = (message: unknown): message is Job => kindOf(message) === 'job'
export const isMeasure = (message: unknown): message is Measure => kindOf(message) === 'measure'
export const isJobFailed = (message: unknown): message is JobFailed => kindOf(message) === 'jobFailed'
