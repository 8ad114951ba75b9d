/** What operators watch. */
export * from './metrics.ts'
export * from './routes.ts'
