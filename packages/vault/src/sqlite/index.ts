/** The vault in one SQLite file. */
export * from './vault.ts'
export * from './copy.ts'
