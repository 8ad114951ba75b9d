/** Where a verifier logs and counts. */
export type { Counter, Logger, MetricsSink } from './telemetry.ts'
