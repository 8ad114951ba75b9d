/** What all adapters share: from a request to who made it, or to the answer that refuses. */
export * from './answer.ts'
export * from './authenticating.ts'
export * from './credentials.ts'
export * from './principals.ts'
export * from './request.ts'
