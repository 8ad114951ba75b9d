import type { Decider } from '@ledgate/eventsourcing'
import type { ClientMetadata } from '@ledgate/oauth'
import type { ClientEvent, ClientState, Secret } from './events.ts'

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
export class ClientRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ClientRefused'
  }
}

/** A secret is replaced by adding the new one, moving everybody over, and revoking the old. */
const MAX_SECRETS = 2

const isLive = ({ expires_at }: Secret, now: number) => expires_at === 0 || now < expires_at

/** Whether the client may do less than before: tokens that could do more must not live on. */
function isNarrowed(before: ClientMetadata, after: ClientMetadata): boolean {
  const lacks = (had: readonly string[], has: readonly string[]) => had.some((each) => !has.includes(each))
  return lacks(before.scope.split(' '), after.scope.split(' ')) || lacks(before.grant_types, after.grant_types)
}

function decideExisting(command: Exclude<ClientCommand, { type: 'Register' }>, client: ClientState): ClientEvent[] {
  switch (command.type) {
    case 'Update': {
      const { metadata } = command
      const epoch = isNarrowed(client.metadata, metadata) ? client.epoch + 1 : client.epoch
      return [{ type: 'ClientUpdated', data: { client: { ...client, metadata, epoch } } }]
    }
    case 'AddSecret': {
      const live = client.secrets.filter((secret) => isLive(secret, command.now))
      if (live.length >= MAX_SECRETS) throw new ClientRefused('two secrets are live already; revoke one first')
      const secrets = [...live, command.secret]
      return [
        { type: 'ClientSecretAdded', data: { secret_id: command.secret.secret_id, client: { ...client, secrets } } },
      ]
    }
    case 'RevokeSecret': {
      const secrets = client.secrets.filter(({ secret_id }) => secret_id !== command.secret_id)
      if (secrets.length === client.secrets.length) return []
      return [{ type: 'ClientSecretRevoked', data: { secret_id: command.secret_id, client: { ...client, secrets } } }]
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
      if (state !== undefined) throw new ClientRefused(`the client ${command.client_id} exists already`)
      const { client_id, metadata, secrets, now } = command
      const made = { client_id, client_id_issued_at: now, epoch: 0, disabled: false, metadata, secrets: [...secrets] }
      return [{ type: 'ClientRegistered', data: { client: made } }]
    }
    if (state === undefined) throw new ClientRefused('there is no such client')
    return decideExisting(command, state)
  },

  evolve: (_state, { data }) => data.client,
}
