/** Clients: their registration (RFC 7591) and state. */
export { DUMMY_CLIENT_ID } from './client-id.ts'
export { usesSecret } from './client.decider.ts'
export { type Clients, openClients, readClient } from './clients.ts'
export { ClientState } from './events.ts'
export { clients } from './projection.ts'
export { type ClientQueries, clientQueries, ShownSecrets } from './queries.ts'
export { ClientRegistration, clientUpdate } from './registrable-metadata.ts'
