/** What an installation starts with. */
export * from './apply.ts'
export * from './file.ts'
