/** What tools may know of the server without running it. */
export { limitNames } from './account/limits.ts'
export { Environment } from './config.ts'
export { catalogue } from './log/index.ts'
