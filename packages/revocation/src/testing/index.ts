/** What tests of a revocation feed need, in this package and in those that stand on it. */
export type { FakeSource, FakeSourceOptions } from './fake-source.ts'
export * from './test-feed.ts'
export * from './test-signer.ts'
export * from './broker.ts'
