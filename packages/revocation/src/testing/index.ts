/** What tests of a revocation feed need, in this package and in those that stand on it. */
export * from './test-signer.ts'
