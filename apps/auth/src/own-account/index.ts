/** What people do with their own account. */
export * from './own-account.ts'
export * from './resource.ts'
export * from './routes.ts'
