/** What all adapters share: from an HTTP request to who made it, or to the answer that refuses it. */
export * from './answer.ts'
export * from './credentials.ts'
export * from './http-request.ts'
export * from './request-authenticator.ts'
export * from './request-principals.ts'
