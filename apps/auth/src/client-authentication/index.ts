/** How clients and resource servers prove who they are: RFC 6749 §2.3, RFC 7523. */
export { type ClientAuthentication, createClientAuthentication } from './authentication.ts'
export { createClientGuard, noClientLimits } from './guard.ts'
export { createCredentialCheck, CREDENTIAL_TYPES } from './standing.ts'
