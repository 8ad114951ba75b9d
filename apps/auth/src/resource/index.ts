/** Resource servers: what they are called, which scopes they own, how they prove who they are. */
export * from './audiences.ts'
export { ResourceRefused, UnknownResource } from './decider.ts'
export * from './events.ts'
export * from './built-in.ts'
export * from './names.ts'
export * from './resources.ts'
export * from './name-events.ts'
