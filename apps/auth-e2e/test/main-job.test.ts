import { randomUUID } from 'node:crypto'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { pace } from '../../../rounds.ts'
import { newReplicas } from '../src/replicas.ts'
import { type Installation, ledgate, newInstallation, startServer } from '../src/server.ts'
import { BATCH, ORDERS } from '../src/world.ts'

const STORES: readonly (readonly [string, () => Promise<Installation>])[] = [
  ['embedded', () => newInstallation()],
  ['EventStoreDB', async () => (await newReplicas(1)).all[0] as Installation],
]

/** Somebody new, also to a store that is kept between runs. */
const newPerson = () => ({ email: `bob-${randomUUID()}@example.com`, password: 'seven grey herons' })

/** Rotates the signing keys; how long those of today have stood, only a new store tells beforehand. */
async function rotate(installation: Installation): Promise<void> {
  const active = async () => {
    const { json } = await ledgate(installation, ['--json', 'keys', 'list'])
    const keys = json()['keys'] as { use: string; kid: string; status: string }[]
    return keys.find(({ use, status }) => use === 'signing' && status === 'active')?.kid
  }
  const before = await active()
  const { code, output } = await ledgate(installation, ['keys', 'rotate'])
  expect(code === 0).toBe((await active()) !== before)
  if (code !== 0) expect(output).toMatch(/rotate again/)
}

/** What the command line does is the same with every store; that it reaches each is proved often enough in the long run. */
const isProvedHere = (store: string) =>
  store === 'embedded' || pace !== 'quick' || process.env['EVENTSTOREDB_URL'] !== undefined

describe.each(STORES)('with the %s store', (store, newStore) => {
  it('registers, confirms, signs in, renews, looks, revokes; shows the events; goes on after a restart', async () => {
    const installation = await newStore()
    const bob = newPerson()
    const issuer = String(installation.environment['LEDGATE_ISSUER'])
    const first = await startServer(installation)
    expect((await first.json('/accounts', bob)).status).toBe(202)
    expect((await first.signIn(bob)).body).toMatchObject({ error: 'invalid_grant' }) // not confirmed yet
    const confirmation = { token: await first.mailed(bob.email), password: bob.password }
    expect((await first.json('/accounts/confirm', confirmation)).body).toEqual({ status: 'confirmed' })

    const signedIn = (await first.signIn(bob)).body
    const renewed = (await first.refresh(String(signedIn['refresh_token']), { refresh_attempt: randomUUID() })).body
    const service = (await first.token({ grant_type: 'client_credentials' }, BATCH)).body
    const keys = createRemoteJWKSet(new URL(`${installation.url}/oauth2/jwks`))
    for (const { access_token } of [signedIn, renewed, service]) {
      const { payload } = await jwtVerify(String(access_token), keys, {
        issuer,
        audience: ORDERS,
        typ: 'at+jwt',
      })
      expect(await first.introspect(String(access_token))).toMatchObject({ active: true, jti: payload.jti })
    }
    const kept = (await first.signIn(bob)).body
    expect((await first.revoke(String(renewed['refresh_token']))).status).toBe(200)
    expect(await first.introspect(String(renewed['access_token']))).toEqual({ active: false })
    const { code, json } = await ledgate(installation, ['--json', 'events', '--last', '1', '--type', 'GrantRevoked'])
    expect(code).toBe(0)
    expect(json()).toMatchObject({ type: 'GrantRevoked', data: { reason: 'revoked by the client' } })
    const before = (await first.get('/oauth2/jwks')).text
    expect(await first.stop()).toBe(0)

    const second = await startServer(installation)
    expect((await second.get('/oauth2/jwks')).text).toBe(before)
    expect(await second.introspect(String(renewed['access_token']))).toEqual({ active: false })
    expect(await second.introspect(String(service['access_token']))).toMatchObject({ active: true })
    expect((await second.refresh(String(kept['refresh_token']))).status).toBe(200)
    expect((await second.signIn(bob)).status).toBe(200)
  })

  const itOperates = isProvedHere(store) ? it : () => {}
  itOperates('is operated from the command line, beside a running server and without one', async () => {
    const installation = await newStore()
    const bob = newPerson()
    const [clientId, resource] = [`nightly-${randomUUID()}`, `https://${randomUUID()}.example/`]
    const server = await startServer(installation)
    const metadata = JSON.stringify({ grant_types: ['client_credentials'], scope: 'orders:read' })
    const made = await ledgate(installation, ['--json', 'clients', 'create', metadata, '--client-id', clientId])
    expect(made.code).toBe(0)
    const secret = String(made.json()['client_secret'])
    const nightly = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`
    expect((await server.token({ grant_type: 'client_credentials' }, nightly)).status).toBe(200)
    const person = await ledgate(installation, ['users', 'create', bob.email], `${bob.password}\n`)
    expect(person.code).toBe(0)
    const { refresh_token } = (await server.signIn(bob)).body
    expect((await ledgate(installation, ['users', 'disable', bob.email])).code).toBe(0)
    expect((await server.refresh(String(refresh_token))).body).toMatchObject({ error: 'invalid_grant' })
    await rotate(installation)
    expect((await ledgate(installation, ['clients', 'create', '{"grant_types":["magic"]}'])).code).toBe(1)
    expect(await server.stop()).toBe(0)

    expect((await ledgate(installation, ['users', 'enable', bob.email])).code).toBe(0)
    const stock = JSON.stringify({ resource, scopes_supported: [`${clientId}:read`] })
    expect((await ledgate(installation, ['resources', 'create', stock])).code).toBe(0)
    const operator = `operator:${process.env['USER'] ?? 'root'}`
    const events = await ledgate(installation, ['events', '--actor', operator, '--last', '5'])
    expect(events.code).toBe(0)
    const again = await startServer(installation)
    expect((await again.signIn(bob)).status).toBe(200)
    expect((await again.refresh(String(refresh_token))).body).toMatchObject({ error: 'invalid_grant' })
  })
})
