import { ClientMetadata } from '@ledgate/oauth'
import { specify } from '@ledgate/eventsourcing/testing'
import { describe, it } from 'vitest'
import { client, ClientRefused, UnknownClient } from './client.decider.ts'
import type { ClientEvent, ClientState } from './events.ts'
import { hashSecret, type Secret } from '../credential/index.ts'
import { UnknownSecret } from '../credential/secrets.decider.ts'

const { given } = specify(client)

const now = 1_790_000_000
const first = hashSecret('first', 's1', now)
const second = hashSecret('second', 's2', now)
const metadata = ClientMetadata.parse({ grant_types: ['password', 'refresh_token'], scope: 'read write' })
const made: ClientState = {
  client_id: 'app',
  client_id_issued_at: now,
  epoch: 0,
  disabled: false,
  metadata,
  secrets: [first],
}
const registered: ClientEvent = { type: 'ClientRegistered', data: { client: made } }
const disabled: ClientEvent = {
  type: 'ClientDisabled',
  data: { reason: 'leaked', client: { ...made, disabled: true, epoch: 1 } },
}
const becomes = (client: Partial<ClientState>): ClientState => ({ ...made, ...client })
const register = { type: 'Register', client_id: 'app', metadata, secrets: [first], now } as const
const add = (secret: Secret, at = now) => ({ type: 'AddSecret', secret, now: at }) as const

describe('a client', () => {
  it('is registered once', () => {
    given().when(register).then(registered)
    given(registered).when(register).thenThrows(ClientRefused, 'exists already')
  })

  it('has to be there for everything else', () => {
    given().when({ type: 'Disable', reason: '' }).thenThrows(UnknownClient, 'unknown client')
  })

  it('ends its tokens when it is disabled, and does not get them back', () => {
    given(registered).when({ type: 'Disable', reason: 'leaked' }).then(disabled)
    given(registered, disabled).when({ type: 'Disable', reason: 'again' }).thenNothing()
    given(registered, disabled)
      .when({ type: 'Enable' })
      .then({ type: 'ClientEnabled', data: { client: becomes({ epoch: 1 }) } })
    given(registered).when({ type: 'Enable' }).thenNothing()
  })

  it.each([
    ['a scope less', { ...metadata, scope: 'read' }, 1],
    ['no scope at all', { ...metadata, scope: '' }, 1],
    ['a grant type less', { ...metadata, grant_types: ['password' as const] }, 1],
    ['a scope more', { ...metadata, scope: 'read write admin' }, 0],
    ['its scopes in another order', { ...metadata, scope: 'write read' }, 0],
    ['another name', { ...metadata, client_name: 'App' }, 0],
  ])('with %s has the epoch that goes with it', (_, changed, epoch) => {
    given(registered)
      .when({ type: 'Update', metadata: changed })
      .then({ type: 'ClientUpdated', data: { client: becomes({ metadata: changed, epoch }) } })
  })

  it('that had no scope has lost none when it gets one', () => {
    const bare = { ...metadata, scope: '' }
    given({ type: 'ClientRegistered', data: { client: becomes({ metadata: bare }) } })
      .when({ type: 'Update', metadata })
      .then({ type: 'ClientUpdated', data: { client: made } })
  })
})

describe('the secrets of a client', () => {
  const both: ClientEvent = {
    type: 'ClientSecretAdded',
    data: { secret_id: 's2', client: becomes({ secrets: [first, second] }) },
  }

  it('are two at most', () => {
    given(registered).when(add(second)).then(both)
    given(registered, both)
      .when(add(hashSecret('third', 's3', now)))
      .thenThrows(ClientRefused, 'two secrets')
  })

  it('leave room for a new one when they have expired', () => {
    const old = { ...first, expires_at: now + 10 }
    const third = hashSecret('third', 's3', now)
    given({ type: 'ClientRegistered', data: { client: becomes({ secrets: [old, second] }) } })
      .when(add(third, now + 10))
      .then({ type: 'ClientSecretAdded', data: { secret_id: 's3', client: becomes({ secrets: [second, third] }) } })
  })

  it('are revoked one by one, the last one too', () => {
    given(registered, both)
      .when({ type: 'RevokeSecret', secret_id: 's1' })
      .then({ type: 'ClientSecretRevoked', data: { secret_id: 's1', client: becomes({ secrets: [second] }) } })
    given(registered)
      .when({ type: 'RevokeSecret', secret_id: 's1' })
      .then({ type: 'ClientSecretRevoked', data: { secret_id: 's1', client: becomes({ secrets: [] }) } })
  })

  it('are not taken for revoked when the id is mistyped', () => {
    given(registered).when({ type: 'RevokeSecret', secret_id: 's9' }).thenThrows(UnknownSecret, 'unknown secret s9')
  })

  it('are not given to a client that has no use for them', () => {
    const open = ClientMetadata.parse({ token_endpoint_auth_method: 'none' })
    given({ type: 'ClientRegistered', data: { client: becomes({ metadata: open, secrets: [] }) } })
      .when(add(second))
      .thenThrows(ClientRefused, 'with none')
  })
})
