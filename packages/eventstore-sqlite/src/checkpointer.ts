import type Database from 'better-sqlite3'

/** Copies committed pages from the write-ahead log into the file, outside of the commits. */
export interface Checkpointer {
  /** Checks the length of the write-ahead log after some commits, and copies it when it is long. @throws {Error} when that fails. */
  afterCommit(): void
  beforeClose(): void
}

interface WalState {
  readonly busy: number
  readonly log: number
  readonly checkpointed: number
}

const COMMITS_BETWEEN_LOOKS = 32
const LONG_LOG_PAGES = 4_000
const KEPT_LOG_BYTES = 64 * 1024 * 1024

/**
 * SQLite's automatic checkpoints ignore errors, and a page that failed to reach the disk once may look clean the next time; so
 * they are disabled, and the errors of these checkpoints are reported.
 */
export function createCheckpointer(database: Database.Database): Checkpointer {
  database.pragma('wal_autocheckpoint = 0')
  database.pragma(`journal_size_limit = ${KEPT_LOG_BYTES}`)
  const look = database.prepare<[], WalState>('PRAGMA wal_checkpoint(NOOP)')
  const copy = database.prepare<[], WalState>('PRAGMA wal_checkpoint(PASSIVE)')
  let commits = 0
  return {
    afterCommit() {
      commits += 1
      if (commits % COMMITS_BETWEEN_LOOKS !== 0) return
      const state = look.get()
      if (state !== undefined && state.log - state.checkpointed >= LONG_LOG_PAGES) copy.get()
    },
    beforeClose() {
      database.pragma('wal_checkpoint(TRUNCATE)')
    },
  }
}
