/** Resource servers: their identifiers, the scopes they own, their audiences (RFC 8707). */
export { openAudiences, type Audiences, type Encryption } from './audiences.ts'
export { type BuiltIn, registerBuiltIn } from './built-in.ts'
export { resourceEvents, ResourceState } from './events.ts'
export { resources } from './projection.ts'
export { resourceQueries, type ResourceQueries } from './queries.ts'
export { ResourceRefused, UnknownResource } from './resource.decider.ts'
export { openResources, readResource, type Resources } from './resources.ts'
export { ResourceRegistration, resourceUpdate } from './registration.ts'
