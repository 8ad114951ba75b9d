import { randomBytes } from 'node:crypto'
import { ClientId, type ResourceMetadata } from '@ledgate/oauth'
import { keptSecret, newSecret } from '../client/secret.ts'
import { type Clock, type CommandContext, type EventLog, untilSettled } from '../log/index.ts'
import { resource as decider, type ResourceCommand } from './decider.ts'
import type { ResourceState } from './events.ts'
import type { Names } from './names.ts'

/** A resource server as its stream says, and where the stream ends. */
export interface ReadResource {
  readonly state: ResourceState
  readonly revision: bigint
}

/** The resource server with that `client_id`, never older than the call. */
export async function readResource(log: EventLog, clientId: string): Promise<ReadResource | undefined> {
  const [newest] = await log.last(`resource-${clientId}`)
  return newest !== undefined && 'resource' in newest.data
    ? { state: newest.data.resource, revision: newest.revision }
    : undefined
}

export interface ResourceRegistration {
  readonly client_id?: string | undefined
  readonly client_secret?: string | undefined
  readonly metadata: ResourceMetadata
}

/** The commands about resource servers. */
export interface Resources {
  /** @throws {NameTaken | ResourceRefused} when its id, its identifier or one of its scopes is somebody's already. */
  register(
    registration: ResourceRegistration,
    context: CommandContext,
  ): Promise<{ resource: ResourceState; clientSecret?: string; position: string }>
  /** @throws {ResourceRefused} when there is no such resource server. */
  change(
    clientId: string,
    command: Exclude<ResourceCommand, { type: 'Register' }>,
    context: CommandContext,
  ): Promise<{ position: string }>
}

const newId = () => randomBytes(16).toString('hex')

/** The commands over the log. Names are reserved before the registration; a crash in between is completed by a repetition. */
export function resources({ log, names, clock }: { log: EventLog; names: Names; clock: Clock }): Resources {
  return {
    async register({ client_id = `r_${newId()}`, client_secret, metadata }, context) {
      ClientId.parse(client_id)
      const secret = metadata.jwks === undefined ? (client_secret ?? newSecret()) : undefined
      const secrets = secret === undefined ? [] : [keptSecret(secret, newId(), clock.now())]
      const found = await readResource(log, client_id)
      const events = decider.decide({ type: 'Register', client_id, metadata, secrets, now: clock.now() }, found?.state)
      const owner = `resource ${client_id}`
      await names.reserve('client_id', client_id, owner, context)
      await names.reserve('resource', metadata.resource, owner, context)
      for (const scope of metadata.scopes_supported) await names.reserve('scope', scope, owner, context)
      const { position } = await log.append(`resource-${client_id}`, events, { expected: 'noStream', context })
      const [registered] = events
      if (registered === undefined) throw new Error('registering makes an event')
      return { resource: registered.data.resource, ...(secret !== undefined && { clientSecret: secret }), position }
    },

    change: (clientId, command, context) =>
      untilSettled(async () => {
        const found = await readResource(log, clientId)
        const events = decider.decide(command, found?.state)
        if (events.length === 0) return { position: await log.store.head() }
        return log.append(`resource-${clientId}`, events, { expected: found?.revision ?? 'noStream', context })
      }),
  }
}
