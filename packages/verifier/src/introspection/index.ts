/** Token introspection, RFC 7662. */
export { introspection, type IntrospectionOptions } from './introspection.ts'
export type { Introspector } from './introspector.ts'
