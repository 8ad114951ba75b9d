/** The vocabulary of OAuth 2.0: schemas, error classes, the scope grammar. No I/O. */
export * from './basic.ts'
export * from './client-id.ts'
export * from './errors.ts'
export * from './jwks.ts'
export * from './limits.ts'
export * from './metadata.ts'
export * from './resource.ts'
export * from './scope.ts'
