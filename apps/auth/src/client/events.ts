import { ClientMetadata } from '@ledgate/oauth'
import { z } from 'zod'
import { defineEvent, defineStream, Epoch, type EventOf, Seconds } from '../log/index.ts'
import { Secret } from '../credential/index.ts'

/** Everything a decision about a client needs; every event of `client-<client_id>` carries it. */
export const ClientState = z.strictObject({
  client_id: z.string(),
  client_id_issued_at: Seconds,
  epoch: Epoch,
  disabled: z.boolean(),
  metadata: ClientMetadata,
  secrets: z.array(Secret),
})
export type ClientState = z.infer<typeof ClientState>

const client = ClientState

export const ClientRegistered = defineEvent('ClientRegistered', { client })
export const ClientUpdated = defineEvent('ClientUpdated', { client })
export const ClientSecretAdded = defineEvent('ClientSecretAdded', { secret_id: z.string(), client })
export const ClientSecretRevoked = defineEvent('ClientSecretRevoked', { secret_id: z.string(), client })
export const ClientDisabled = defineEvent('ClientDisabled', { reason: z.string(), client })
export const ClientEnabled = defineEvent('ClientEnabled', { client })

export const clientEvents = [
  ClientRegistered,
  ClientUpdated,
  ClientSecretAdded,
  ClientSecretRevoked,
  ClientDisabled,
  ClientEnabled,
] as const
export type ClientEvent = EventOf<(typeof clientEvents)[number]>

/** `client-<client_id>`. */
export const clientStream = defineStream('client', clientEvents)
