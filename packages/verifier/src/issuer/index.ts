/** Everything that runs for one trusted issuer: its keys, its feed, and the watches of its tokens. */
export type { IssuerHealth } from './issuer-health.ts'
export { type IssuerRuntime, issuerRuntime } from './issuer-runtime.ts'
export { enoughReady } from './readiness.ts'
