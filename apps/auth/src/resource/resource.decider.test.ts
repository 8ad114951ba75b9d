import { ResourceMetadata } from '@ledgate/oauth'
import { specify } from '@ledgate/eventsourcing/testing'
import { describe, it } from 'vitest'
import { hashSecret } from '../credential/index.ts'
import { UnknownSecret } from '../credential/secrets.decider.ts'
import { resource, ResourceRefused, UnknownResource } from './resource.decider.ts'
import type { ResourceEvent, ResourceState } from './events.ts'

const { given } = specify(resource)

const now = 1_790_000_000
const secret = hashSecret('first', 's1', now)
const metadata = ResourceMetadata.parse({ resource: 'https://orders.example/', scopes_supported: ['orders'] })
const made: ResourceState = { client_id: 'orders', registered_at: now, disabled: false, metadata, secrets: [secret] }
const registered: ResourceEvent = { type: 'ResourceRegistered', data: { resource: made } }
const disabled: ResourceEvent = {
  type: 'ResourceDisabled',
  data: { reason: 'gone', resource: { ...made, disabled: true } },
}

describe('a resource server', () => {
  it('is registered once', () => {
    const register = { type: 'Register', client_id: 'orders', metadata, secrets: [secret], now } as const
    given().when(register).then(registered)
    given(registered).when(register).thenThrows(ResourceRefused, 'exists already')
  })

  it('is disabled and enabled once each', () => {
    given(registered).when({ type: 'Disable', reason: 'gone' }).then(disabled)
    given(registered, disabled).when({ type: 'Disable', reason: 'gone' }).thenNothing()
    given(registered, disabled)
      .when({ type: 'Enable' })
      .then({ type: 'ResourceEnabled', data: { resource: made } })
    given(registered).when({ type: 'Enable' }).thenNothing()
  })

  it('has to be there for everything but the registration', () => {
    given().when({ type: 'Enable' }).thenThrows(UnknownResource)
  })

  it('has two secrets at most, which are revoked one by one', () => {
    const second = hashSecret('second', 's2', now)
    const both = { ...made, secrets: [secret, second] }
    const added: ResourceEvent = { type: 'ResourceSecretAdded', data: { secret_id: 's2', resource: both } }
    given(registered).when({ type: 'AddSecret', secret: second, now }).then(added)
    given(registered, added).when({ type: 'AddSecret', secret: second, now }).thenThrows(ResourceRefused, 'two secrets')
    given(registered, added)
      .when({ type: 'RevokeSecret', secret_id: 's1' })
      .then({ type: 'ResourceSecretRevoked', data: { secret_id: 's1', resource: { ...made, secrets: [second] } } })
    given(registered).when({ type: 'RevokeSecret', secret_id: 's9' }).thenThrows(UnknownSecret, 'unknown secret s9')
  })
})
