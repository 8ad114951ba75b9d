import type { Decider } from '@ledgate/eventsourcing'
import type { ResourceMetadata } from '@ledgate/oauth'
import { type Secret, withoutSecret, withSecret } from '../credential/index.ts'
import type { ResourceEvent, ResourceState } from './events.ts'
import { NotFound, Refused } from '../refusal/index.ts'

/** What a resource server is asked to become. */
export type ResourceCommand =
  | {
      readonly type: 'Register'
      readonly client_id: string
      readonly metadata: ResourceMetadata
      readonly secrets: readonly Secret[]
      readonly now: number
    }
  | { readonly type: 'Update'; readonly metadata: ResourceMetadata }
  | { readonly type: 'AddSecret'; readonly secret: Secret; readonly now: number }
  | { readonly type: 'RevokeSecret'; readonly secret_id: string }
  | { readonly type: 'Disable'; readonly reason: string }
  | { readonly type: 'Enable' }

/** There is no such resource server, or there is one already, or the command does not fit it. */
export class ResourceRefused extends Refused {}

/** There is no resource server of that `client_id`. */
export class UnknownResource extends NotFound {
  constructor() {
    super('resource server')
  }
}

const refuse = (message: string): never => {
  throw new ResourceRefused(message)
}

function decideExisting(
  command: Exclude<ResourceCommand, { type: 'Register' }>,
  state: ResourceState,
): ResourceEvent[] {
  switch (command.type) {
    case 'Update':
      return [{ type: 'ResourceUpdated', data: { resource: { ...state, metadata: command.metadata } } }]
    case 'AddSecret': {
      const { secret, now } = command
      const resource = { ...state, secrets: withSecret(state.secrets, { secret, now, refuse }) }
      return [{ type: 'ResourceSecretAdded', data: { secret_id: secret.secret_id, resource } }]
    }
    case 'RevokeSecret': {
      const { secret_id } = command
      const resource = { ...state, secrets: withoutSecret(state.secrets, secret_id) }
      return [{ type: 'ResourceSecretRevoked', data: { secret_id, resource } }]
    }
    case 'Disable':
      if (state.disabled) return []
      return [{ type: 'ResourceDisabled', data: { reason: command.reason, resource: { ...state, disabled: true } } }]
    case 'Enable':
      return state.disabled ? [{ type: 'ResourceEnabled', data: { resource: { ...state, disabled: false } } }] : []
  }
}

/** The life of a resource server. */
export const resource: Decider<ResourceState | undefined, ResourceCommand, ResourceEvent> = {
  initialState: undefined,

  decide(command, state) {
    if (command.type === 'Register') {
      if (state !== undefined) return refuse(`the resource server ${command.client_id} exists already`)
      const { client_id, metadata, secrets, now } = command
      const made = { client_id, registered_at: now, disabled: false, metadata, secrets: [...secrets] }
      return [{ type: 'ResourceRegistered', data: { resource: made } }]
    }
    if (state === undefined) throw new UnknownResource()
    return decideExisting(command, state)
  },

  evolve: (_state, { data }) => data.resource,
}
