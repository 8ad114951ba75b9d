/** Whether a token lives. */
export * from './bearer.ts'
export * from './routes.ts'
export { continuing, type GrantStanding, type LiveToken, verdict, type VerdictDependencies } from './verdict.ts'
