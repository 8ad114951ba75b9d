import { openProtocolCluster } from '@ledgate/eventstore-eventstoredb/testing'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMINISTRATION_SCOPES } from '../../src/admin/vocabulary/index.ts'
import { administered, BATCH, CONSOLE, openService, type Service } from './service.ts'

const ROOT = { email: 'root@example.com', password: 'the root of it all' }
const WORLD = administered(ROOT, ['ledgate:account', ...ADMINISTRATION_SCOPES])
const ASKS = 30

const kidOf = (token: unknown) => String(decodeProtectedHeader(String(token)).kid)

describe('a replica whose subscriptions say nothing', () => {
  let cluster: Awaited<ReturnType<typeof openProtocolCluster>>
  let [here, deaf]: Service[] = []
  beforeAll(async () => {
    cluster = await openProtocolCluster()
    const environment = {
      LEDGATE_EVENTSTOREDB_URL: cluster.url,
      LEDGATE_MASTER_KEY: Buffer.alloc(32, 5).toString('base64url'),
    }
    here = await openService(WORLD, environment)
    deaf = await openService(WORLD, environment)
    // Subscriptions that begin from now on are taken and never say a word; those that there are end.
    for (const node of cluster.nodes) {
      node.faults.next('subscribe', { kind: 'lost' })
      node.cut()
    }
  })
  afterAll(async () => {
    for (const node of cluster.nodes) node.faults.clear()
    await Promise.all([here, deaf].map((service) => service?.close()))
    await cluster.close()
  })

  const both = () => {
    if (here === undefined || deaf === undefined) throw new Error('they are not open')
    return { here, deaf }
  }
  const consoleToken = async (service: Service, scope: string) =>
    (await service.token({ grant_type: 'password', username: ROOT.email, password: ROOT.password, scope }, CONSOLE))
      .body['access_token']
  const keysOf = async (service: Service, path = '/oauth2/jwks') =>
    ((await service.get(path)).body['keys'] as { kid: string }[]).map(({ kid }) => kid)
  const administer = (service: Service, token: unknown) =>
    service.send({ method: 'GET', url: '/admin/keys', headers: { authorization: `Bearer ${String(token)}` } })
  const many = <Result>(ask: () => Promise<Result>) => Promise.all(Array.from({ length: ASKS }, ask))

  it('believes no token of before once every token was ended elsewhere', async () => {
    const { here, deaf } = both()
    const person = (await here.signIn({ scope: 'orders:read' })).body
    const service = (await here.token({ grant_type: 'client_credentials' }, BATCH)).body
    const root = await consoleToken(here, 'ledgate:keys:read')
    expect((await deaf.introspect(String(person['access_token']))).active).toBe(true)
    expect((await administer(deaf, root)).status).toBe(200)

    expect(await here.operate('tokens end-all', {})).toBe(200)
    const verdicts = await many(async () => [
      (await deaf.introspect(String(person['access_token']))).active,
      (await deaf.introspect(String(service['access_token']), BATCH)).active,
      (await administer(deaf, root)).status,
    ])
    for (const verdict of verdicts) expect(verdict).toEqual([false, false, 401])
    expect((await deaf.refresh(String(person['refresh_token']))).body).toMatchObject({ error: 'invalid_grant' })
    const after = (await deaf.signIn({ scope: 'orders:read' })).body
    expect((await here.introspect(String(after['access_token']))).active).toBe(true)
  })

  it('believes, uses and publishes no key that was compromised elsewhere', async () => {
    const { here, deaf } = both()
    // Each way by which a token is signed has used the key before.
    const signedIn = (await deaf.signIn({ scope: 'orders:read' })).body
    const person = (await deaf.refresh(String(signedIn['refresh_token']))).body
    const service = (await deaf.token({ grant_type: 'client_credentials' }, BATCH)).body
    const bad = kidOf(person['access_token'])
    expect([kidOf(signedIn['access_token']), kidOf(service['access_token'])]).toEqual([bad, bad])
    const root = await consoleToken(deaf, 'ledgate:keys:read')
    expect(await keysOf(deaf)).toContain(bad)

    expect(await here.operate('keys compromise', { use: 'signing', kid: bad })).toBe(200)
    const answers = await many(async () => ({
      active: (await deaf.introspect(String(person['access_token']))).active,
      status: (await administer(deaf, root)).status,
      published: (await keysOf(deaf)).includes(bad),
      used: kidOf((await deaf.token({ grant_type: 'client_credentials' }, BATCH)).body['access_token']) === bad,
    }))
    for (const answer of answers) expect(answer).toEqual({ active: false, status: 401, published: false, used: false })
    const renewed = (await deaf.refresh(String(person['refresh_token']))).body
    expect(kidOf(renewed['access_token'])).not.toBe(bad)
    expect((await here.introspect(String(renewed['access_token']))).active).toBe(true)
  })

  it('reads each stream a few times at the most for all who ask at once', async () => {
    const { deaf } = both()
    const person = (await deaf.signIn({ scope: 'orders:read' })).body
    const ask = async () => (await deaf.introspect(String(person['access_token']))).active
    async function readsOf(asks: () => Promise<unknown>) {
      let reads = 0
      for (const node of cluster.nodes)
        node.faults.decide((method) => {
          if (method === 'read') reads += 1
          return undefined
        })
      await asks()
      for (const node of cluster.nodes) node.faults.decide(undefined)
      return reads
    }
    const one = await readsOf(ask)
    const all = await readsOf(async () =>
      expect(await Promise.all(Array.from({ length: 64 }, ask))).not.toContain(false),
    )
    expect(one).toBeGreaterThan(5)
    expect(all, 'not 64 times as many').toBeLessThan(8 * one)
  })

  it('derives nothing by a key that was compromised elsewhere, and publishes no such key of the feed', async () => {
    const { here, deaf } = both()
    const person = (await deaf.signIn()).body
    const derivation = String(person['refresh_token']).split('.')[1]
    expect(await here.operate('keys compromise', { use: 'derivation', kid: derivation })).toBe(200)
    expect((await deaf.refresh(String(person['refresh_token']))).body).toMatchObject({ error: 'invalid_grant' })
    expect(String((await deaf.signIn()).body['refresh_token']).split('.')[1]).not.toBe(derivation)

    const [feed] = await keysOf(deaf, '/revocations/jwks')
    expect(await here.operate('keys compromise', { use: 'feed', kid: feed })).toBe(200)
    for (const published of await many(() => keysOf(deaf, '/revocations/jwks'))) expect(published).not.toContain(feed)
  })
})
