/** One line of the report. Ratios and aims belong to the figure of the same line. */
export interface Row {
  readonly scenario: string
  readonly what: string
  readonly inFlight?: number
  /** The median over the rounds. */
  readonly value: number
  readonly unit: string
  /** Latencies in milliseconds. */
  readonly p50?: number
  readonly p99?: number
  /** Answers that were not as expected, by status. */
  readonly errors?: Readonly<Record<string, number>>
  /** The limits and peers measured in turn with this figure; `ratio` is the median over the rounds of ours to theirs. */
  readonly beside?: readonly Beside[]
  readonly aims?: readonly Aim[]
  readonly note?: string
  /** The figure of each round. */
  readonly rounds?: readonly number[]
}

export interface Beside {
  readonly peer: string
  readonly ratio: number
}

export interface Aim {
  readonly text: string
  readonly isReached: boolean
}

export const countErrors = (rows: readonly Row[]): number =>
  rows.flatMap((row) => Object.values(row.errors ?? {})).reduce((sum, count) => sum + count, 0)
