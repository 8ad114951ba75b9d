/** What administrators do over HTTP. */
export * from './operations.ts'
export * from './resource.ts'
export * from './routes.ts'
export * from './setup.ts'
