import { z } from 'zod'
import { defineEvent, defineStream, type EventOf } from '../log/index.ts'

/** One owner of a name (`scope-<hmac>`): a scope, a `resource` identifier or a `client_id`. */
export const NameReserved = defineEvent('NameReserved', {
  kind: z.enum(['scope', 'resource', 'client_id']),
  name: z.string(),
  /** Who owns it: `client <client_id>` or `resource <client_id>`. */
  owner: z.string(),
})
export const NameReleased = defineEvent('NameReleased', {
  kind: z.enum(['scope', 'resource', 'client_id']),
  name: z.string(),
})

export const nameEvents = [NameReserved, NameReleased] as const
export type NameEvent = EventOf<(typeof nameEvents)[number]>

/** The owner of a name: `scope-<hmac>`. */
export const nameStream = defineStream('scope', nameEvents)
