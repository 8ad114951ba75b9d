/** How clients and resource servers prove who they are: RFC 6749 §2.3, RFC 7523. */
export { type ClientAuthentication, createClientAuthentication } from './authentication.ts'
export { assertionEvents } from './events.ts'
export { createClientGuard, noClientLimits } from './guard.ts'
export { CREDENTIAL_TYPES, createCredentialCheck } from './standing.ts'
