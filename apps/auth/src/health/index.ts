/** Whether the process lives, and whether it can take requests. */
export * from './readiness.ts'
export * from './routes.ts'
