import type { Decider } from '@ledgate/eventsourcing'
import type { ClientMetadata } from '@ledgate/oauth'
import type { ClientEvent, ClientState } from './events.ts'
import { type Secret, withoutSecret, withSecret } from '../credential/index.ts'
import { NotFound, Refused } from '../refusal/index.ts'

/** What a client is asked to become. */
export type ClientCommand =
  | {
      readonly type: 'Register'
      readonly client_id: string
      readonly metadata: ClientMetadata
      readonly secrets: readonly Secret[]
      readonly now: number
    }
  | { readonly type: 'Update'; readonly metadata: ClientMetadata }
  | { readonly type: 'AddSecret'; readonly secret: Secret; readonly now: number }
  | { readonly type: 'RevokeSecret'; readonly secret_id: string }
  | { readonly type: 'Disable'; readonly reason: string }
  | { readonly type: 'Enable' }

/** There is no such client, or there is one already, or it has no place for another secret. */
export class ClientRefused extends Refused {}

/** There is no client of that id. */
export class UnknownClient extends NotFound {
  constructor() {
    super('client')
  }
}

const refuse = (message: string): never => {
  throw new ClientRefused(message)
}

/** Whether the client proves itself by a secret. */
export const usesSecret = ({ token_endpoint_auth_method: method }: ClientMetadata): boolean =>
  method === 'client_secret_basic' || method === 'client_secret_post'

const tokensOf = (scope: string): readonly string[] => scope.split(' ').filter((token) => token !== '')

/** Whether the client may do less than before: tokens that could do more must not live on. */
function isNarrowed(before: ClientMetadata, after: ClientMetadata): boolean {
  const lacks = (had: readonly string[], has: readonly string[]) => had.some((each) => !has.includes(each))
  return lacks(tokensOf(before.scope), tokensOf(after.scope)) || lacks(before.grant_types, after.grant_types)
}

function decideExisting(command: Exclude<ClientCommand, { type: 'Register' }>, client: ClientState): ClientEvent[] {
  switch (command.type) {
    case 'Update': {
      const { metadata } = command
      const epoch = isNarrowed(client.metadata, metadata) ? client.epoch + 1 : client.epoch
      return [{ type: 'ClientUpdated', data: { client: { ...client, metadata, epoch } } }]
    }
    case 'AddSecret': {
      const { secret, now } = command
      if (!usesSecret(client.metadata))
        return refuse(
          `the client must authenticate with ${client.metadata.token_endpoint_auth_method}, not with a secret`,
        )
      const secrets = withSecret(client.secrets, { secret, now, refuse })
      return [{ type: 'ClientSecretAdded', data: { secret_id: secret.secret_id, client: { ...client, secrets } } }]
    }
    case 'RevokeSecret': {
      const { secret_id } = command
      const secrets = withoutSecret(client.secrets, secret_id)
      return [{ type: 'ClientSecretRevoked', data: { secret_id, client: { ...client, secrets } } }]
    }
    case 'Disable':
      if (client.disabled) return []
      return [
        {
          type: 'ClientDisabled',
          data: { reason: command.reason, client: { ...client, disabled: true, epoch: client.epoch + 1 } },
        },
      ]
    case 'Enable':
      return client.disabled ? [{ type: 'ClientEnabled', data: { client: { ...client, disabled: false } } }] : []
  }
}

/** The life of a client. Its epoch rises whenever tokens it holds must end, and never falls. */
export const client: Decider<ClientState | undefined, ClientCommand, ClientEvent> = {
  initialState: undefined,

  decide(command, state) {
    if (command.type === 'Register') {
      if (state !== undefined) return refuse(`the client ${command.client_id} exists already`)
      const { client_id, metadata, secrets, now } = command
      const made = { client_id, client_id_issued_at: now, epoch: 0, disabled: false, metadata, secrets: [...secrets] }
      return [{ type: 'ClientRegistered', data: { client: made } }]
    }
    if (state === undefined) throw new UnknownClient()
    return decideExisting(command, state)
  },

  evolve: (_state, { data }) => data.client,
}
