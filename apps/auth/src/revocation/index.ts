/** Ending tokens. */
export * from './routes.ts'
