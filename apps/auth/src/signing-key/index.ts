/** The keys that sign tokens and those that derive secrets. */
export { MAX_SUPERSEDED } from './remembered.ts'
export { TooEarly, TooManyKeys, UnknownKey } from './decider.ts'
export * from './derivation-keys.ts'
export * from './events.ts'
export * from './routes.ts'
export * from './signing-keys.ts'
