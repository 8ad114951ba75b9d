/** Clients: who may ask for tokens, and how they prove it. */
export * from './assertion.ts'
export * from './authentication.ts'
export * from './clients.ts'
export { ClientRefused, type ClientCommand, UnknownClient, usesSecret } from './decider.ts'
export * from './events.ts'
export * from './guard.ts'
export { keptSecret, newSecret, sha256 } from './secret.ts'
export { UnknownSecret } from './secrets.decider.ts'
