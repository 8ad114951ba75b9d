/** What ends tokens, told to everybody who has to know. */
export * from './ending.ts'
export * from './feed.ts'
export * from './live-set.ts'
export * from './notice.ts'
export * from './openings.ts'
export * from './routes.ts'
export * from './snapshot.ts'
