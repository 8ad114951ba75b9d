/** What tools may know of the server without running it. */
export { MAX_AUTHORIZATION_BYTES, MAX_METADATA_BYTES, MAX_RESOURCE, MAX_SCOPE_TOKEN, MAX_URI } from '@ledgate/oauth'
export { figureOf, limitNames } from './account/limits.ts'
export { MAX_PASSWORD } from './account/password.ts'
export { MAX_ADMINISTRATORS } from './administrator/decider.ts'
export { Environment } from './config.ts'
export { catalogue } from './log/index.ts'
