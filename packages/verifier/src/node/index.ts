/** Guards for plain `node:http`, WebSockets and server-sent events. */
export { type AuthOptions, principalOf, type RequestVerifier } from '../request/index.ts'
export * from './auth.ts'
export * from './cut-off.ts'
