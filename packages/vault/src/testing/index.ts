/** A vault in memory, for tests. */
export * from './in-memory.ts'
