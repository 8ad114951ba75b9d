/** The keys that sign tokens, and those that derive secrets. */
export { type DerivationKeys, type DerivationKeySet, openDerivationKeys } from './derivation-keys.ts'
export { keyringStream } from './events.ts'
export { jwksRoutes, keySetRoute } from './routes.ts'
export { openSigningKeys, type Signer, type SigningKeys, type SigningKeySet } from './signing-keys.ts'
