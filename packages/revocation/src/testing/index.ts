/** What tests of a revocation feed need, in this package and in those that stand on it. */
export * from './broker.ts'
export { type FakeSource, type FakeSourceOptions } from './fake-source.ts'
export * from './test-feed.ts'
export * from './test-signer.ts'
