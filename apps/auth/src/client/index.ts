/** Clients: their registration (RFC 7591) and state. */
export { ClientRefused, UnknownClient, usesSecret } from './client.decider.ts'
export { type Clients, openClients, readClient } from './clients.ts'
export { clientEvents, ClientState } from './events.ts'
export { clients } from './projection.ts'
export { clientQueries, type ClientQueries, ShownSecrets } from './queries.ts'
export { ClientRegistration, clientUpdate } from './registration.ts'
export { DUMMY_CLIENT_ID } from './client-id.ts'
