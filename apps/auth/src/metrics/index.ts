/** Metrics for operators. */
export { type Metrics, openMetrics, type Reading } from './metrics.ts'
export { metricsRoutes } from './routes.ts'
