import { ResourceMetadata } from '@ledgate/oauth'
import { z } from 'zod'
import { Secret } from '../credential/index.ts'
import { defineEvent, defineStream, type EventOf, Seconds } from '../log/index.ts'

/** Everything a decision about a resource server needs; every event of `resource-<client_id>` carries it. */
export const ResourceState = z.strictObject({
  /** How the resource server names itself when it introspects: never the `client_id` of a client. */
  client_id: z.string(),
  registered_at: Seconds,
  disabled: z.boolean(),
  metadata: ResourceMetadata,
  secrets: z.array(Secret),
})
export type ResourceState = z.infer<typeof ResourceState>

const resource = ResourceState

export const ResourceRegistered = defineEvent('ResourceRegistered', { resource })
export const ResourceUpdated = defineEvent('ResourceUpdated', { resource })
export const ResourceSecretAdded = defineEvent('ResourceSecretAdded', { secret_id: z.string(), resource })
export const ResourceSecretRevoked = defineEvent('ResourceSecretRevoked', { secret_id: z.string(), resource })
export const ResourceDisabled = defineEvent('ResourceDisabled', { reason: z.string(), resource })
export const ResourceEnabled = defineEvent('ResourceEnabled', { resource })

export const resourceEvents = [
  ResourceRegistered,
  ResourceUpdated,
  ResourceSecretAdded,
  ResourceSecretRevoked,
  ResourceDisabled,
  ResourceEnabled,
] as const
export type ResourceEvent = EventOf<(typeof resourceEvents)[number]>

/** `resource-<client_id>`. */
export const resourceStream = defineStream('resource', resourceEvents)
