import type { Decider } from '@ledgate/eventsourcing'
import type { ResourceMetadata } from '@ledgate/oauth'
import type { Secret } from '../client/events.ts'
import type { ResourceEvent, ResourceState } from './events.ts'

/** What a resource server is asked to become. */
export type ResourceCommand =
  | {
      readonly type: 'Register'
      readonly client_id: string
      readonly metadata: ResourceMetadata
      readonly secrets: readonly Secret[]
      readonly now: number
    }
  | { readonly type: 'Disable'; readonly reason: string }
  | { readonly type: 'Enable' }

/** There is no such resource server, or there is one already. */
export class ResourceRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ResourceRefused'
  }
}

/** The life of a resource server. */
export const resource: Decider<ResourceState | undefined, ResourceCommand, ResourceEvent> = {
  initialState: undefined,

  decide(command, state) {
    if (command.type === 'Register') {
      if (state !== undefined) throw new ResourceRefused(`the resource server ${command.client_id} exists already`)
      const { client_id, metadata, secrets, now } = command
      const made = { client_id, registered_at: now, disabled: false, metadata, secrets: [...secrets] }
      return [{ type: 'ResourceRegistered', data: { resource: made } }]
    }
    if (state === undefined) throw new ResourceRefused('there is no such resource server')
    if (command.type === 'Disable')
      return state.disabled
        ? []
        : [{ type: 'ResourceDisabled', data: { reason: command.reason, resource: { ...state, disabled: true } } }]
    return state.disabled ? [{ type: 'ResourceEnabled', data: { resource: { ...state, disabled: false } } }] : []
  },

  evolve: (_state, { data }) => data.resource,
}
