/** Liveness and readiness of the process. */
export { type Check, readiness, type Readiness } from './readiness.ts'
export { healthRoutes } from './routes.ts'
