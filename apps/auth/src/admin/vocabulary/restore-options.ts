export interface RestoreOptions {
  /** Where the backup is. */
  readonly folder: string
  /** The last event to keep; all of them unless told. */
  readonly to?: string | undefined
  /** Logs that are newer than the backup: whoever was erased in them is erased again. */
  readonly erasedIn: readonly string[]
}
