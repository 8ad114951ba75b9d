/** The keys that sign tokens and those that derive secrets. */
export { TooEarly, UnknownKey } from './decider.ts'
export * from './derivation-keys.ts'
export * from './events.ts'
export * from './routes.ts'
export * from './signing-keys.ts'
