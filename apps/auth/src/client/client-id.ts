import { newId } from '../log/index.ts'

const PREFIX = 'c_'

/** A `client_id` for a client that is registered without one. */
export const newClientId = (): string => `${PREFIX}${newId()}`

/** A well-formed `client_id` that no client has. */
export const DUMMY_CLIENT_ID = `${PREFIX}${'0'.repeat(32)}`
