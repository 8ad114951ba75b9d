/** DPoP (RFC 9449) at a resource server: a stolen token is no good without the key it is bound to. */
export * from './checker.ts'
export { normalHtu } from './htu.ts'
export * from './nonce.ts'
export * from './replay.ts'
