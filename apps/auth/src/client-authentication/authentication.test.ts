import { createHmac, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { formatBasic, InvalidClient, InvalidRequest, NewClientMetadata, NewResourceMetadata } from '@ledgate/oauth'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { command, EPOCH, everythingIn, openParts } from '../testing/parts.ts'
import { type ClientGuard, noClientLimits } from './guard.ts'
import { ASSERTION_TYPE } from './assertion.ts'
import { createClientAuthentication } from './authentication.ts'
import { clientStream } from '../client/events.ts'
import type { AnyEvent, StreamName } from '../log/index.ts'

type Claims = Record<string, unknown>

const ISSUER = 'https://id.example'
const ENDPOINT = `${ISSUER}/oauth2/token`
const SECRET = 'a secret of the client, 100% odd: +/&?é'

interface Pair {
  readonly alg: string
  readonly privateKey: KeyObject
  readonly jwk: object & { readonly kid: string }
}

function pair(alg: 'ES256' | 'RS256' | 'EdDSA', kid: string = alg): Pair {
  const { privateKey, publicKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : alg === 'RS256'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ed25519')
  return { alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid } }
}

const ec = pair('ES256')
const rsa = pair('RS256')
const ed = pair('EdDSA')

async function world(guard: ClientGuard = noClientLimits) {
  const made = openParts()
  const { log, keyedHash, clock, clients, resources } = made
  const register = (client_id: string, metadata: object, client_secret?: string) =>
    clients.register(
      { client_id, client_secret, metadata: NewClientMetadata.parse({ grant_types: ['password'], ...metadata }) },
      command(),
    )
  await register('basic', {}, SECRET)
  await register('post', { token_endpoint_auth_method: 'client_secret_post' }, SECRET)
  await register('open', { token_endpoint_auth_method: 'none' })
  const jwks = { keys: [ec.jwk, rsa.jwk, ed.jwk] }
  await register('keyed', { token_endpoint_auth_method: 'private_key_jwt', jwks })
  const resource = { resource: 'https://orders.example/', scopes_supported: ['orders'] }
  await resources.register(
    { client_id: 'orders', client_secret: SECRET, metadata: NewResourceMetadata.parse(resource) },
    command(),
  )
  const reads: ('there' | 'in vain')[] = []
  const counted = {
    ...log,
    async last<Event extends AnyEvent>(stream: StreamName<Event>, max?: number) {
      const found = await log.last(stream, max)
      reads.push(found.length > 0 ? 'there' : 'in vain')
      return found
    },
  }
  const authentication = createClientAuthentication({ log: counted, keyedHash, clock, issuer: ISSUER, guard })
  const request = (body: Record<string, unknown>, authorization?: string, endpoint = '/oauth2/token') => ({
    body,
    authorization,
    endpoint,
    context: command(),
  })
  const client = (...parts: Parameters<typeof request>) => authentication.client(request(...parts))
  const either = (...parts: Parameters<typeof request>) => authentication.clientOrResource(request(...parts))
  return { ...made, authentication, client, either, reads }
}

const basic = (clientId: string, clientSecret: string) => formatBasic({ clientId, clientSecret })
const byAssertion = (assertion: string) => ({ client_assertion: assertion, client_assertion_type: ASSERTION_TYPE })

const good = (): Claims => ({
  iss: 'keyed',
  sub: 'keyed',
  aud: ISSUER,
  exp: EPOCH + 60,
  iat: EPOCH,
  jti: randomUUID(),
})

const signed = (payload: Claims, { alg, privateKey, jwk: { kid } }: Pair = ec, header: object = { kid }) =>
  new SignJWT(payload).setProtectedHeader({ alg, ...header }).sign(privateKey)

describe('a client with a secret', () => {
  it('proves itself in the way it is registered for, whatever the secret is made of', async () => {
    const { client } = await world()
    expect((await client({}, basic('basic', SECRET))).client_id).toBe('basic')
    expect((await client({ client_id: 'basic' }, basic('basic', SECRET))).client_id).toBe('basic')
    expect((await client({ client_id: 'post', client_secret: SECRET })).client_id).toBe('post')
  })

  it.each([
    ['a wrong secret', {}, basic('basic', 'wrong')],
    ['no secret', { client_id: 'basic' }, undefined],
    ['an empty secret', {}, basic('basic', '')],
    ['the hash that is kept instead of the secret', {}, basic('basic', createHmac('sha256', '').digest('base64url'))],
    ['an unknown id', {}, basic('nobody', SECRET)],
    ['an id that can be nobody’s', {}, basic('a/b c', SECRET)],
    ['the id of a stream that is no client', {}, basic('orders', SECRET)],
    ['the other method', { client_id: 'basic', client_secret: SECRET }, undefined],
    ['the header instead of the body', {}, basic('post', SECRET)],
    ['a header of another kind', { client_id: 'basic' }, 'Bearer abc'],
    ['a secret where there is none', { client_id: 'open', client_secret: SECRET }, undefined],
    ['nothing at all', {}, undefined],
  ])('is refused with %s', async (_, body, authorization) => {
    const { client } = await world()
    const refused = await client(body, authorization).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(InvalidClient)
    expect(refused).toMatchObject({
      status: 401,
      message: 'client authentication failed',
      headers: { 'www-authenticate': expect.stringContaining('Basic') },
    })
  })

  it.each([
    ['header and body', { client_id: 'basic', client_secret: SECRET }, basic('basic', SECRET)],
    ['header and assertion', byAssertion('a.b.c'), basic('basic', SECRET)],
    ['body and assertion', { client_id: 'post', client_secret: SECRET, ...byAssertion('a.b.c') }, undefined],
    ['two ids', { client_id: 'post' }, basic('basic', SECRET)],
  ])('may not authenticate twice: %s', async (_, body, authorization) => {
    const { client } = await world()
    await expect(client(body, authorization)).rejects.toBeInstanceOf(InvalidRequest)
  })

  it('moves from one secret to the next without a gap, and the revoked one is dead at once', async () => {
    const { client, clients, log } = await world()
    const { clientSecret } = await clients.addSecret('basic', command())
    await client({}, basic('basic', SECRET))
    await client({}, basic('basic', clientSecret))
    const [newest] = await log.last(clientStream.of('basic'))
    if (newest?.type !== 'ClientSecretAdded') throw new Error('a secret was added')
    const [old] = newest.data.client.secrets
    await clients.change('basic', { type: 'RevokeSecret', secret_id: old?.secret_id ?? '' }, command())
    await expect(client({}, basic('basic', SECRET))).rejects.toBeInstanceOf(InvalidClient)
    await client({}, basic('basic', clientSecret))
  })

  it('is out while it is disabled', async () => {
    const { client, clients } = await world()
    await clients.change('basic', { type: 'Disable', reason: 'test' }, command())
    await expect(client({}, basic('basic', SECRET))).rejects.toBeInstanceOf(InvalidClient)
    await clients.change('basic', { type: 'Enable' }, command())
    await client({}, basic('basic', SECRET))
  })

  it('leaves no secret in the log and in no error', async () => {
    const { client, store, clients } = await world()
    const { clientSecret } = await clients.addSecret('basic', command())
    const error: unknown = await client({}, basic('basic', `${SECRET}x`)).catch((refused: unknown) => refused)
    const seen = `${await everythingIn(store)} ${JSON.stringify(error, Object.getOwnPropertyNames(error))}`
    for (const secret of [SECRET, clientSecret])
      for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const)
        expect(seen).not.toContain(Buffer.from(secret).toString(encoding))
  })
})

describe('a public client', () => {
  it('only says who it is', async () => {
    const { client } = await world()
    expect((await client({ client_id: 'open' })).client_id).toBe('open')
  })

  it('asks about no token', async () => {
    const { either } = await world()
    await expect(either({ client_id: 'open' })).rejects.toBeInstanceOf(InvalidClient)
  })
})

describe('a resource server', () => {
  it('authenticates with its secret in header or body, and is not a client', async () => {
    const { client, either } = await world()
    expect(await either({}, basic('orders', SECRET))).toMatchObject({ kind: 'resource' })
    expect(await either({ client_id: 'orders', client_secret: SECRET })).toMatchObject({ kind: 'resource' })
    expect(await either({}, basic('basic', SECRET))).toMatchObject({ kind: 'client' })
    await expect(client({}, basic('orders', SECRET))).rejects.toBeInstanceOf(InvalidClient)
  })

  it('is refused with a wrong secret, without one, and while it is disabled', async () => {
    const { either, resources } = await world()
    await expect(either({}, basic('orders', 'x'))).rejects.toBeInstanceOf(InvalidClient)
    await expect(either({ client_id: 'orders' })).rejects.toBeInstanceOf(InvalidClient)
    await resources.change('orders', { type: 'Disable', reason: 'test' }, command())
    await expect(either({}, basic('orders', SECRET))).rejects.toBeInstanceOf(InvalidClient)
  })

  it('with keys and a secret may use either', async () => {
    const { either, resources, keyedHash } = await world()
    expect(keyedHash('x')).toHaveLength(64)
    const metadata = NewResourceMetadata.parse({ resource: 'https://x.example/', jwks: { keys: [ec.jwk] } })
    await resources.register({ client_id: 'keyed-api', client_secret: SECRET, metadata }, command())
    const assertion = await signed({ ...good(), iss: 'keyed-api', sub: 'keyed-api' })
    expect(await either(byAssertion(assertion))).toMatchObject({ kind: 'resource' })
    expect(await either({}, basic('keyed-api', SECRET))).toMatchObject({ kind: 'resource' })
  })
})

describe('a private_key_jwt', () => {
  it.each([ec, rsa, ed])('proves the client with $alg', async (key) => {
    const { client } = await world()
    expect((await client(byAssertion(await signed(good(), key)))).client_id).toBe('keyed')
  })

  it('is for the endpoint that it is sent to, and for no other one', async () => {
    const { client, either } = await world()
    const introspect = '/oauth2/introspect'
    const meant = async (aud: string | string[]) => byAssertion(await signed({ ...good(), aud }))
    await either(await meant(`${ISSUER}${introspect}`), undefined, introspect)
    await either(await meant([ISSUER, `${ISSUER}${introspect}`]), undefined, introspect)
    await expect(either(await meant(ENDPOINT), undefined, introspect)).rejects.toBeInstanceOf(InvalidClient)
    await expect(client(await meant(`${ISSUER}${introspect}`))).rejects.toBeInstanceOf(InvalidClient)
  })

  it('may be meant for the issuer or the token endpoint, and says the client_id twice when it likes', async () => {
    const { client } = await world()
    await client({ client_id: 'keyed', ...byAssertion(await signed({ ...good(), aud: ENDPOINT })) })
    await client(byAssertion(await signed({ ...good(), aud: [ENDPOINT] })))
  })

  it('need not say its key, also when two would do', async () => {
    const { client, clients } = await world()
    const [one, other, foreign] = [pair('ES256', 'one'), pair('ES256', 'other'), pair('ES256', 'one')]
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [one.jwk, other.jwk] } }
    await clients.register({ client_id: 'two', metadata: NewClientMetadata.parse(metadata) }, command())
    const from = (key: Pair) => signed({ ...good(), iss: 'two', sub: 'two' }, key, {})
    await client(byAssertion(await from(one)))
    await client(byAssertion(await from(other)))
    await expect(from(foreign).then((jwt) => client(byAssertion(jwt)))).rejects.toBeInstanceOf(InvalidClient)
  })

  it('works once, however many send it at the same time', async () => {
    const { client, store } = await world()
    const assertion = await signed(good())
    const tries = await Promise.allSettled(Array.from({ length: 64 }, () => client(byAssertion(assertion))))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const each of tries) if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(InvalidClient)
    const stored = await everythingIn(store)
    expect(stored.match(/AssertionUsed/g)).toHaveLength(1)
  })

  it('is not used up by a sender who cannot sign it', async () => {
    const { client } = await world()
    const claims = good()
    const forged = await signed(claims, pair('ES256'))
    await expect(client(byAssertion(forged))).rejects.toBeInstanceOf(InvalidClient)
    await client(byAssertion(await signed(claims)))
  })

  const wrong: readonly (readonly [string, () => Promise<string>])[] = [
    ['is for somebody else', () => signed({ ...good(), aud: 'https://other.example' })],
    ['is for us and somebody else', () => signed({ ...good(), aud: [ISSUER, 'https://other.example'] })],
    ['is for another endpoint', () => signed({ ...good(), aud: `${ISSUER}/oauth2/introspect` })],
    ['is for this endpoint and another', () => signed({ ...good(), aud: [ENDPOINT, `${ISSUER}/oauth2/revoke`] })],
    ['is for an empty list', () => signed({ ...good(), aud: [] })],
    ['is for a path below', () => signed({ ...good(), aud: `${ENDPOINT}/` })],
    ['is for nobody', () => signed({ ...good(), aud: undefined })],
    ['is from somebody else', () => signed({ ...good(), iss: 'basic' })],
    ['is about somebody else', () => signed({ ...good(), sub: 'basic' })],
    ['has expired', () => signed({ ...good(), exp: EPOCH - 11 })],
    ['never expires', () => signed({ ...good(), exp: undefined })],
    ['lives for too long', () => signed({ ...good(), exp: EPOCH + 611 })],
    ['lives for ever', () => signed({ ...good(), exp: Number.MAX_SAFE_INTEGER })],
    ['is not valid yet', () => signed({ ...good(), nbf: EPOCH + 11 })],
    ['was issued in the future', () => signed({ ...good(), iat: EPOCH + 11 })],
    ['has no jti', () => signed({ ...good(), jti: undefined })],
    ['has an empty jti', () => signed({ ...good(), jti: '' })],
    ['has a huge jti', () => signed({ ...good(), jti: 'x'.repeat(257) })],
    ['names a key that is not the client’s', () => signed(good(), ec, { kid: 'nobody' })],
    ['is signed by another key of that name', () => signed(good(), pair('ES256'))],
    ['is not a JWT', async () => 'nonsense'],
    ['is empty inside', async () => '..'],
    ['is huge', () => signed({ ...good(), padding: 'x'.repeat(20_000) })],
    ['is not signed', async () => unsigned(good())],
    ['is signed with the public key as a secret', async () => confused(good(), ec)],
    ['is signed with the public key of RSA as a secret', async () => confused(good(), rsa)],
    ['demands an extension nobody knows', () => signed(good(), ec, { kid: 'ES256', crit: ['x'], x: 1 })],
  ]

  it.each(wrong)('that %s proves nothing', async (_, assertion) => {
    const { client } = await world()
    const jwt = await assertion().catch(() => `${base64({ alg: 'ES256', crit: ['x'], x: 1 })}.${base64(good())}.AAAA`)
    await expect(client(byAssertion(jwt))).rejects.toBeInstanceOf(InvalidClient)
  })

  it('is not taken from a client registered for a secret, nor a secret from this one', async () => {
    const { client } = await world()
    const assertion = await signed({ ...good(), iss: 'basic', sub: 'basic' })
    await expect(client(byAssertion(assertion))).rejects.toBeInstanceOf(InvalidClient)
    await expect(client({}, basic('keyed', SECRET))).rejects.toBeInstanceOf(InvalidClient)
    await expect(client({ client_id: 'keyed' })).rejects.toBeInstanceOf(InvalidClient)
  })

  it('has to say what it is, and agree with the client_id', async () => {
    const { client } = await world()
    const assertion = await signed(good())
    await expect(client({ client_assertion: assertion })).rejects.toBeInstanceOf(InvalidRequest)
    const saml = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer'
    const other = client({ client_assertion: assertion, client_assertion_type: saml })
    await expect(other).rejects.toBeInstanceOf(InvalidRequest)
    await expect(client({ client_id: 'basic', ...byAssertion(assertion) })).rejects.toBeInstanceOf(InvalidRequest)
  })
})

describe('a refusal', () => {
  const refusals: Readonly<Record<string, readonly [Record<string, unknown>, string?]>> = {
    unknown: [{}, basic('nobody', SECRET)],
    malformed: [{}, basic('no body/at all', SECRET)],
    'wrong secret': [{}, basic('basic', 'wrong')],
    disabled: [{}, basic('out', SECRET)],
    'wrong method': [{ client_id: 'basic', client_secret: SECRET }],
    'a resource server': [{}, basic('orders', 'wrong')],
    'by assertion, unknown': [byAssertion(unsigned({ ...good(), sub: 'nobody' }))],
    'by assertion, known': [byAssertion(unsigned(good()))],
  }

  it.each(['client', 'either'] as const)(
    'of a %s takes the same reads, whoever it is that is refused',
    async (which) => {
      const here = await world()
      const { reads, clients } = here
      const metadata = NewClientMetadata.parse({ grant_types: ['password'] })
      await clients.register({ client_id: 'out', client_secret: SECRET, metadata }, command())
      await clients.change('out', { type: 'Disable', reason: 'test' }, command())
      await here[which]({}, basic('basic', SECRET))
      const counts: Record<string, readonly string[]> = {}
      for (const [name, [body, authorization]] of Object.entries(refusals)) {
        reads.length = 0
        await expect(here[which](body, authorization), name).rejects.toBeInstanceOf(InvalidClient)
        counts[name] = reads.toSorted()
      }
      for (const name of Object.keys(refusals)) expect(counts[name], name).toEqual(counts['unknown'])
    },
  )
})

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

const unsigned = (payload: Claims) => `${base64({ alg: 'none' })}.${base64(payload)}.`

/** Algorithm confusion: HMAC with what everybody knows. */
function confused(payload: Claims, { jwk }: Pair): string {
  const input = `${base64({ alg: 'HS256', kid: jwk.kid })}.${base64(payload)}`
  return `${input}.${createHmac('sha256', JSON.stringify(jwk)).update(input).digest('base64url')}`
}
