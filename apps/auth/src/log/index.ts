/** The log in the words of the domain. */
export * from './catalogue.ts'
export * from './clock.ts'
export * from './codec.ts'
export * from './envelope.ts'
export * from './event-definition.ts'
export * from './event-log.ts'
export * from './value.ts'
