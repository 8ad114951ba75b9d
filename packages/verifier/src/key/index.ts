/** The public keys of an issuer: where they are published, fetching them, and looking one up. */
export { discoverJwksUri } from './discovery.ts'
export type { JwksOptions, KeysHealth } from './jwks-options.ts'
export type { KeyCache, KeyCacheOptions } from './key-cache.ts'
export type { TrustedKey } from './key-set.ts'
export { isPublic } from './public-key.ts'
export { RemoteKeySet } from './remote-key-set.ts'
export { namesOf, signatureAlgorithms, DEFAULT_ALGORITHMS } from './signature-algorithm.ts'
