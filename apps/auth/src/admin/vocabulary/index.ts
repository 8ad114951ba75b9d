/** What can be asked of the administration, and how it refuses: one vocabulary for API, socket and command line. */
export { ControlRequest } from './control-request.ts'
export { ADMINISTRATION_SCOPES, audienceOf, type Operation, OPERATIONS, scopeOf, SUMMARIES } from './operations.ts'
export { type RestoreOptions } from './restore-options.ts'
export { removeStaleSocket, socketPath } from './socket-path.ts'
