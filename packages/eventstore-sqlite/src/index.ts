/** The embedded event store: one SQLite file, one writer thread. */
export * from './event-store.ts'
export type { WriterFacts } from './writing.ts'
