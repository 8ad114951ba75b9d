/** Metrics for operators. */
export { openMetrics, type Metrics, type Reading } from './metrics.ts'
export { metricsRoutes } from './routes.ts'
