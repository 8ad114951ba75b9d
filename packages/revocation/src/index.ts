/** What has ended, said so that anybody can check it. */
export * from './feed.ts'
export * from './notice.ts'
export * from './publishing.ts'
export * from './token.ts'
