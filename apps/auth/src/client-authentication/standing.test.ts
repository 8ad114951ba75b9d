import { NewResourceMetadata } from '@ledgate/oauth'
import { readResource } from '../resource/index.ts'
import { command, openParts } from '../testing/parts.ts'
import { expect, it } from 'vitest'
import { createCredentialCheck } from './standing.ts'

const SECRET = 'a secret of the resource server'
const basic = (secret: string) => `Basic ${btoa(`orders:${encodeURIComponent(secret)}`)}`

async function registered() {
  const made = openParts()
  const metadata = NewResourceMetadata.parse({ resource: 'https://orders.example/', scopes_supported: ['orders'] })
  await made.resources.register({ client_id: 'orders', client_secret: SECRET, metadata }, command())
  const found = await readResource(made.log, 'orders')
  if (found === undefined) throw new Error('it was not registered')
  return { ...made, resource: found.state }
}

it('what it proved itself with by an assertion stands until its keys are others', async () => {
  const made = openParts()
  const jwks = (x: string) => ({ keys: [{ kty: 'OKP', crv: 'Ed25519', kid: x, alg: 'EdDSA', x }] })
  const metadata = (x: string) =>
    NewResourceMetadata.parse({ resource: 'https://s.example/', scopes_supported: ['s'], jwks: jwks(x) })
  const [one, two] = ['A'.repeat(43), `${'A'.repeat(42)}Q`]
  await made.resources.register({ client_id: 'signing', metadata: metadata(one) }, command())
  const found = await readResource(made.log, 'signing')
  if (found === undefined) throw new Error('it was not registered')
  const stands = createCredentialCheck(made, { body: { client_assertion: 'x' } }, found.state)
  expect(await stands()).toBe(true)
  await made.resources.update('signing', { ...metadata(one), scopes_supported: ['s', 't'] }, command())
  expect(await stands()).toBe(true)
  await made.resources.update('signing', metadata(two), command())
  expect(await stands()).toBe(false)
})

it('what a resource server proved itself with stands until its very secret is revoked, or it is disabled', async () => {
  const made = await registered()
  const [first] = made.resource.secrets
  const old = createCredentialCheck(made, { authorization: basic(SECRET), body: {} }, made.resource)
  const posted = createCredentialCheck(made, { body: { client_id: 'orders', client_secret: SECRET } }, made.resource)
  expect([await old(), await posted()]).toEqual([true, true])
  const added = await made.resources.addSecret('orders', command())
  const fresh = createCredentialCheck(made, { authorization: basic(added.clientSecret), body: {} }, made.resource)
  expect([await old(), await fresh()]).toEqual([true, true])
  await made.resources.change('orders', { type: 'RevokeSecret', secret_id: first?.secret_id ?? '' }, command())
  expect([await old(), await posted(), await fresh()]).toEqual([false, false, true])
  await made.resources.change('orders', { type: 'Disable', reason: 'a test' }, command())
  expect(await fresh()).toBe(false)
})
