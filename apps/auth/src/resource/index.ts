/** Resource servers: their identifiers, the scopes they own, their audiences (RFC 8707). */
export { type Audiences, type Encryption, openAudiences } from './audiences.ts'
export { type BuiltIn, registerBuiltIn } from './built-in.ts'
export { ResourceState } from './events.ts'
export { resources } from './projection.ts'
export { type ResourceQueries, resourceQueries } from './queries.ts'
export { ResourceRegistration, resourceUpdate } from './registrable-metadata.ts'
export { openResources, readResource, type Resources } from './resources.ts'
