/** A part of a list. */
export interface Page {
  /** The key of the last entry of the part before; default: the first part. */
  readonly after?: string | undefined
  /** Entries at most, {@link LARGEST_LIMIT} whatever it says. */
  readonly limit?: number | undefined
}

const DEFAULT_LIMIT = 100
/** Entries of the longest part of a list that may be asked for. */
export const LARGEST_LIMIT = 1_000

export const limitOf = (limit = DEFAULT_LIMIT): number => Math.max(1, Math.min(LARGEST_LIMIT, Math.floor(limit)))
