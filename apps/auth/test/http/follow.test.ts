import { setTimeout as pause } from 'node:timers/promises'
import { followRevocations, type RevocationFollower, revocationIndex, type TokenFacts } from '@ledgate/revocation'
import { type HttpRevocations, httpRevocations } from '@ledgate/revocation/http'
import { randomUUID } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BOOTSTRAP, ISSUER, openService, type Service } from './service.ts'

let service: Service
let url: string
const followers: RevocationFollower[] = []

const own = await generateKeyPair('ES256')
const STOREHOUSE = {
  client_id: 'storehouse',
  resource: 'https://storehouse.example/',
  scopes_supported: ['storehouse:read'],
  jwks: { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'ES256' }] },
}

beforeEach(async () => {
  service = await openService({ ...BOOTSTRAP, resources: [...BOOTSTRAP.resources, STOREHOUSE] })
  url = await service.listen()
})
afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.close()))
  await service.close()
})

async function keyFor(kid: string) {
  const { keys } = (await (await fetch(`${url}/revocations/jwks`)).json()) as { keys: JWK[] }
  const jwk = keys.find((key) => key.kid === kid)
  return jwk && ((await importJWK(jwk, 'ES256')) as Extract<Awaited<ReturnType<typeof importJWK>>, { type: string }>)
}

/** A resource server that follows the feed over HTTP. */
function follow(
  credentials: Pick<HttpRevocations, 'clientId' | 'clientSecret' | 'clientAssertion'> = {
    clientId: 'orders',
    clientSecret: 'orders-secret',
  },
) {
  const index = revocationIndex()
  const notices: string[] = []
  const follower = followRevocations({
    sources: [httpRevocations({ issuer: ISSUER, url, ...credentials })],
    issuer: ISSUER,
    keyFor,
    index,
    onRevoked: ({ id }, notice) => notice && notices.push(id),
  })
  followers.push(follower)
  return { index, follower, notices }
}

/** What proves a resource server that has keys and no secret, once. */
const assertion =
  (key = own.privateKey) =>
  async (): Promise<string> =>
    new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'own' })
      .setIssuer('storehouse')
      .setSubject('storehouse')
      .setAudience(ISSUER)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(key)

async function signIn(): Promise<{ jwt: string; facts: TokenFacts }> {
  const { body } = await service.signIn()
  const jwt = String(body['access_token'])
  const claims = decodeJwt(jwt) as unknown as TokenFacts
  return { jwt, facts: { ...claims, kid: String(decodeProtectedHeader(jwt).kid), isOffline: false } }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !condition(); await pause(5)) if (Date.now() > end) throw new Error(what)
}

describe('a resource server that follows the feed over HTTP', () => {
  it('may have keys of its own and no secret', async () => {
    const before = await signIn()
    await service.revoke(before.jwt)
    const { index, follower } = follow({ clientId: 'storehouse', clientAssertion: assertion() })
    await follower.ready()
    expect(index.endedBy(before.facts)).toBe('jti')
    const foreign = await generateKeyPair('ES256')
    const refused = follow({ clientId: 'storehouse', clientAssertion: assertion(foreign.privateKey) })
    await until('it was not refused', () => refused.follower.health().lastError !== undefined)
    expect(refused.follower.health()).toMatchObject({ isCaughtUp: false, lastError: expect.stringContaining('401') })
  })

  it('learns what was revoked before it began, and what is revoked afterwards', async () => {
    const [before, after, never] = [await signIn(), await signIn(), await signIn()]
    await service.revoke(before.jwt)
    const { index, follower } = follow()
    await follower.ready()
    expect(index.endedBy(before.facts)).toBe('jti')
    expect(index.endedBy(after.facts)).toBeUndefined()
    await service.revoke(after.jwt)
    await until('it was not told', () => index.endedBy(after.facts) === 'jti')
    expect(index.endedBy(never.facts)).toBeUndefined()
    expect(follower.health()).toMatchObject({ isReady: true, source: 'http', refused: 0 })
  })

  it('misses nothing over a restart of the server, and what was revoked just before it', async () => {
    const tokens = [await signIn(), await signIn(), await signIn()]
    const { index, follower } = follow()
    await follower.ready()
    const port = Number(new URL(url).port)
    for (let round = 0; round < tokens.length; round += 1) {
      await service.revoke(tokens[round]?.jwt ?? '')
      const { again } = await service.stop()
      await again()
      await service.listen(port)
    }
    await until('it was not told', () => tokens.every(({ facts }) => index.endedBy(facts) === 'jti'))
    await until('it did not catch up', () => follower.health().isReady)
    const late = await signIn()
    await service.revoke(late.jwt)
    await until('it was not told', () => index.endedBy(late.facts) === 'jti')
  })

  it('receives each event once when its connection breaks repeatedly', async () => {
    const { index, follower, notices } = follow()
    await follower.ready()
    const tokens: Awaited<ReturnType<typeof signIn>>[] = []
    for (let round = 0; round < 5; round += 1) {
      const token = await signIn()
      tokens.push(token)
      await service.revoke(token.jwt)
      service.breakConnections()
    }
    await until('it was not told', () => tokens.every(({ facts }) => index.endedBy(facts) === 'jti'))
    expect(notices).toEqual(tokens.map(({ facts }) => facts.jti))
  })

  it('is never ready with wrong credentials, and says why', async () => {
    const { follower } = follow({ clientId: 'orders', clientSecret: 'wrong' })
    await until('it said nothing', () => follower.health().lastError !== undefined)
    expect(follower.health()).toMatchObject({ isReady: false, isCaughtUp: false, entries: 0 })
    expect(follower.health().lastError).toContain('401')
  })

  it('goes on after another key of the feed took over, and after one was compromised', async () => {
    const { index, follower } = follow()
    await follower.ready()
    const { kid } =
      ((await (await fetch(`${url}/revocations/jwks`)).json()) as { keys: { kid: string }[] }).keys[0] ?? {}
    expect(await service.operate('keys compromise', { use: 'feed', kid })).toBe(200)
    const token = await signIn()
    await service.revoke(token.jwt)
    await until('it was not told', () => index.endedBy(token.facts) === 'jti')
    expect(await keyFor(String(kid))).toBeUndefined()
    await until('it is not ready', () => follower.health().isReady)
  })
})
