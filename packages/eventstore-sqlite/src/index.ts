/** The event store in one SQLite file: one writer with group commit, any number of readers. */
export { openSqliteEventStore, type SqliteEventStore, type SqliteEventStoreOptions } from './sqlite-event-store.ts'
export { openSqliteEventReader, type SqliteEventReader, type SqliteEventReaderOptions } from './sqlite-event-reader.ts'
export type { Counters, Health } from './health.ts'
export { lockForWriting, type WriterLock } from './writer-lock.ts'
export { parsePosition } from './records.ts'
export { copyLog, type CopyLogOptions, digestLog, type LogPart } from './copy.ts'
