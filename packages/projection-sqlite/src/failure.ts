import SqliteDatabase from 'better-sqlite3'

/** What the disk or the machine says no with, whatever the event: worth trying again. */
const MACHINE = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|NOMEM|READONLY|CANTOPEN|PERM|PROTOCOL|INTERRUPT)/

/** Whether the machine failed, rather than the projection at this event. */
export function isMachineFailure(error: unknown): boolean {
  return error instanceof SqliteDatabase.SqliteError && MACHINE.test(error.code)
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
