/** A vault in memory, for tests. */
export * from './in-memory-vault.ts'
