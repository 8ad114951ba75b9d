/** What tools may know of the server without running it. */
export { MAX_AUTHORIZATION_BYTES, MAX_METADATA_BYTES, MAX_RESOURCE, MAX_SCOPE_TOKEN, MAX_URI } from '@ledgate/oauth'
export { figureOf, limitNames } from './config/index.ts'
export { MAX_PASSWORD } from './password/index.ts'
export { MAX_ADMINISTRATORS } from './admin/administrators/index.ts'
export { Environment } from './config/index.ts'
export { eventDefinitions } from './catalogue/index.ts'
export { grantTypes } from './token/index.ts'
