/** DPoP (RFC 9449) at a resource server: a stolen token is useless without the key it is bound to. */
export { normalHtu } from '../url/index.ts'
export * from './checker.ts'
export * from './nonce.ts'
export * from './replay.ts'
