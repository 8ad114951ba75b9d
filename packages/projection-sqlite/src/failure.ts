import SqliteDatabase from 'better-sqlite3'

/** Errors of the disk or the machine, which do not depend on the event: a retry may succeed. */
const MACHINE = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|NOMEM|READONLY|CANTOPEN|PERM|PROTOCOL|INTERRUPT)/

/** Whether the disk or the machine failed, rather than a projection at an event. */
export function isMachineFailure(error: unknown): boolean {
  return error instanceof SqliteDatabase.SqliteError && MACHINE.test(error.code)
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
