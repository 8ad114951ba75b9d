export interface RestoreOptions {
  /** Where the backup is. */
  readonly folder: string
  /** The last event to keep; default: all of them. */
  readonly to?: string | undefined
  /** Logs that are newer than the backup: users erased in them are erased again. */
  readonly erasedIn: readonly string[]
}
