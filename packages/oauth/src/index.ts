/** The vocabulary of OAuth 2.0: schemas, error classes, the scope grammar. No I/O. */
export * from './errors.ts'
export * from './metadata.ts'
export * from './scope.ts'
