/** Metrics for operators. */
export { metrics, type Metrics, type Reading } from './metrics.ts'
export { metricsRoutes } from './routes.ts'
