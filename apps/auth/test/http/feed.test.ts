import { createPublicKey, randomUUID } from 'node:crypto'
import {
  type FeedStatement,
  followRevocations,
  type Notice,
  openStatements,
  revocationIndex,
  type SnapshotChunk,
} from '@ledgate/revocation'
import { httpRevocations } from '@ledgate/revocation/http'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, ISSUER, openService, ORDERS_API, type Service, WEB } from './service.ts'

let service: Service
let url: string

beforeAll(async () => {
  service = await openService()
  url = await service.listen()
})
afterAll(() => service.close())

const secretOf = (authorization: string): string => atob(authorization.slice('Basic '.length)).split(':')[1] ?? ''

/** What a feed says, opened with the keys that the server publishes for it. */
async function opener() {
  const { keys } = (await service.get('/revocations/jwks')).body as { keys: JWK[] }
  const keyFor = async (kid: string) => {
    const jwk = keys.find((key) => key.kid === kid)
    return jwk && ((await importJWK(jwk, 'ES256')) as Extract<Awaited<ReturnType<typeof importJWK>>, { type: string }>)
  }
  return openStatements({ issuer: ISSUER, keyFor })
}

interface Event {
  readonly id: string
  readonly event: string
  readonly statement: FeedStatement
}

/** Reads a stream until enough is seen. */
async function stream(
  path: string,
  enough: (events: readonly Event[]) => boolean,
  headers: Record<string, string> = {},
) {
  const { open } = await opener()
  const leave = new AbortController()
  const response = await fetch(`${url}${path}`, {
    headers: { authorization: ORDERS_API, ...headers },
    signal: leave.signal,
  })
  const events: Event[] = []
  if (response.status !== 200 || response.body === null) return { response, events }
  let text = ''
  const decoder = new TextDecoder()
  for await (const bytes of response.body) {
    text += decoder.decode(bytes, { stream: true })
    const parts = text.split('\n\n')
    text = parts.pop() ?? ''
    for (const part of parts.filter((each) => !each.startsWith(':'))) {
      const member = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? ''
      events.push({ id: member('id'), event: member('event'), statement: await open(member('data')) })
    }
    if (enough(events)) break
  }
  leave.abort()
  return { response, events }
}

/** Heartbeats after which a stream that should have ended goes on: one a second, and it looks again after five. */
const GOES_ON = 20

/** Reads a stream to its end; what it answers says whether it came within some heartbeats from then on. */
function endOf(response: Response) {
  let [beats, most] = [0, Infinity]
  const over = (async () => {
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) {
      beats += decoder.decode(bytes, { stream: true }).split('event: heartbeat').length - 1
      if (beats > most) return 'it outlives its credentials'
    }
    return 'ended'
  })()
  return () => {
    most = beats + GOES_ON
    return over
  }
}

const noticesIn = (events: readonly Event[]): readonly Notice[] =>
  events.flatMap(({ statement }) => (statement.kind === 'notice' ? [statement] : []))

/** A place that everything of before is up to. */
async function placeOfNow(): Promise<string> {
  const now = Date.now()
  const isOfNow = ({ statement }: Event) => statement.kind === 'heartbeat' && statement.at >= now
  return (await stream('/revocations/stream', (seen) => seen.some(isOfNow))).events.find(isOfNow)?.id ?? ''
}

async function snapshot(): Promise<readonly SnapshotChunk[]> {
  const { text } = await service.send({
    method: 'GET',
    url: '/revocations/snapshot',
    headers: { authorization: ORDERS_API },
  })
  const { open } = await opener()
  const statements = await Promise.all(
    text
      .trim()
      .split('\n')
      .map((jws) => open(jws)),
  )
  return statements.flatMap((each) => (each.kind === 'chunk' ? [each] : []))
}

async function signIn() {
  const { body } = await service.signIn()
  const claims = JSON.parse(Buffer.from(String(body['access_token']).split('.')[1] ?? '', 'base64url').toString())
  return { access: String(body['access_token']), refresh: String(body['refresh_token']), claims }
}

describe('GET /revocations/stream', () => {
  it('starts with a heartbeat, and publishes a revocation after it was made', async () => {
    const { access, claims } = await signIn()
    let revoked: Promise<unknown> | undefined
    const { response, events } = await stream('/revocations/stream', (seen) => {
      if (seen.length > 0) revoked ??= service.revoke(access)
      return noticesIn(seen).some(({ ended }) => ended.id === claims.jti)
    })
    await revoked
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(events[0]).toMatchObject({ event: 'heartbeat', statement: { kind: 'heartbeat' } })
    const notice = noticesIn(events).find(({ ended }) => ended.id === claims.jti)
    expect(notice).toMatchObject({ ended: { scope: 'jti', until: claims.exp + 60 } })
    expect(events.at(-1)).toMatchObject({ id: notice?.position, event: 'notice' })
  })

  it('goes on after the last event that was seen, and misses nothing of before', async () => {
    const place = await placeOfNow()
    const tokens = [await signIn(), await signIn(), await signIn()]
    for (const { access } of tokens) await service.revoke(access)
    const ids = tokens.map(({ claims }) => claims.jti)
    const all = (seen: readonly Event[]) => noticesIn(seen).length >= ids.length
    const byQuery = await stream(`/revocations/stream?after=${place}`, all)
    expect(noticesIn(byQuery.events).map(({ ended }) => ended.id)).toEqual(ids)
    const [first] = noticesIn(byQuery.events)
    const later = await stream(`/revocations/stream?after=${place}`, (seen) => noticesIn(seen).length >= 2, {
      'last-event-id': first?.position ?? '',
    })
    expect(noticesIn(later.events).map(({ ended }) => ended.id)).toEqual(ids.slice(1))
  })

  it('vouches with each heartbeat for what came before it', async () => {
    const { access, claims } = await signIn()
    const asked = Date.now()
    await service.revoke(access)
    const { events } = await stream('/revocations/stream', (seen) =>
      seen.some(({ statement }) => statement.kind === 'heartbeat' && statement.at >= asked + 1),
    )
    const at = events.findIndex(({ statement }) => statement.kind === 'heartbeat' && statement.at >= asked + 1)
    const known = events.slice(0, at)
    const isThere = noticesIn(known).some(({ ended }) => ended.id === claims.jti)
    const isVouched = (known[0]?.id ?? '') >= (noticesIn(known)[0]?.position ?? '')
    expect(isThere || isVouched).toBe(true)
  })

  it('is gone before what is kept', async () => {
    const { response } = await stream(`/revocations/stream?after=${'1'.padStart(20, '0')}`, () => true)
    expect(response.status).toBe(410)
    expect(await response.json()).toMatchObject({ error: 'gone' })
  })

  it('is expired after a position beyond the end of the log: another log, or one from before a restore', async () => {
    const place = await placeOfNow()
    const beyond = place.replace(/\d/g, '9')
    const { response } = await stream(`/revocations/stream?after=${beyond}`, () => true)
    expect(response.status).toBe(410)
  })

  it('is rejected after a value that is not a position, in the URL or in a header', async () => {
    for (const place of ['abc', '0', '-1', '1e3', '٣', `${'0'.repeat(19)}5.${'0'.repeat(19)}5`]) {
      const named = await stream(`/revocations/stream?after=${encodeURIComponent(place)}`, () => true)
      expect(named.response.status, place).toBe(400)
      expect(await named.response.json()).toMatchObject({ error: 'invalid_request' })
    }
    const { response } = await stream('/revocations/stream', () => true, { 'last-event-id': 'NaN' })
    expect(response.status).toBe(400)
  })

  it('is gone soon enough for a reader, which recovers by a snapshot after the log was restored', async () => {
    const { access, claims } = await signIn()
    await service.revoke(access)
    const beyond = (await placeOfNow()).replace(/\d/g, '9')
    const { keys } = (await service.get('/revocations/jwks')).body as { keys: JWK[] }
    const http = httpRevocations({ issuer: ISSUER, url, clientId: 'orders', clientSecret: secretOf(ORDERS_API) })
    const index = revocationIndex()
    const follower = followRevocations({
      // It believes that it knows everything up to a position that only the log of before had.
      sources: [{ name: 'http', open: (asked) => http.open({ ...asked, after: asked.after ?? (beyond as never) }) }],
      issuer: ISSUER,
      index,
      keyFor: async (kid) => {
        const jwk = keys.find((key) => key.kid === kid)
        return jwk && createPublicKey({ key: jwk, format: 'jwk' })
      },
    })
    await follower.ready()
    await follower.close()
    const facts = { jti: claims.jti, client_id: 'web', sub: claims.sub, kid: 'k', isOffline: false }
    expect(index.endedBy(facts)).toBe('jti')
  })

  it('is only for resource servers with their own credentials', async () => {
    for (const path of ['/revocations/stream', '/revocations/snapshot']) {
      for (const authorization of [undefined, WEB, basic('orders', 'wrong'), basic('nobody', 'x'), 'Bearer x']) {
        const { status, headers, body } = await service.send({
          method: 'GET',
          url: path,
          headers: authorization === undefined ? {} : { authorization },
        })
        expect([status, body['error']]).toEqual([401, 'invalid_client'])
        expect(headers['www-authenticate']).toContain('Basic')
      }
    }
  })

  it('ends when its credentials do: the resource server was disabled', async () => {
    const own = await openService()
    const at = await own.listen()
    const response = await fetch(`${at}/revocations/stream`, { headers: { authorization: ORDERS_API } })
    expect(response.status).toBe(200)
    const ended = endOf(response)
    expect(await own.operate('resources disable', { client_id: 'orders', reason: 'a test' })).toBe(200)
    await expect(ended()).resolves.toBe('ended')
    await own.close()
  })

  it('ends when its credentials do: the keys of the resource server are others', async () => {
    const [own, pair] = [await openService(), await generateKeyPair('ES256')]
    const at = await own.listen()
    const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'own', alg: 'ES256' }] }
    const metadata = { resource: 'https://signing.example/', scopes_supported: [] }
    expect(await own.operate('resources create', { client_id: 'signing', metadata: { ...metadata, jwks } })).toBe(200)
    const assertion = await new SignJWT({ iss: 'signing', sub: 'signing', aud: ISSUER, jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'own' })
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(pair.privateKey)
    const response = await fetch(`${at}/revocations/stream`, {
      method: 'POST',
      body: new URLSearchParams({
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      }),
    })
    expect(response.status).toBe(200)
    const ended = endOf(response)
    const other = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'other', alg: 'ES256' }
    const changed = { ...metadata, jwks: { keys: [other] } }
    expect(await own.operate('resources update', { client_id: 'signing', metadata: changed })).toBe(200)
    await expect(ended()).resolves.toBe('ended')
    await own.close()
  })

  it('ends with the server, however many read it', async () => {
    const own = await openService()
    const at = await own.listen()
    const open = () => fetch(`${at}/revocations/stream`, { headers: { authorization: ORDERS_API } })
    const readers = await Promise.all([open(), open(), open()])
    const texts = Promise.all(readers.map((response) => response.text()))
    await own.close()
    for (const text of await texts) expect(text.startsWith(': ledgate\n\n')).toBe(true)
  })
})

describe('GET /revocations/snapshot', () => {
  it('holds everything that was answered before it was asked for', async () => {
    const tokens = [await signIn(), await signIn()]
    await service.revoke(tokens[0]?.access ?? '')
    await service.revoke(tokens[1]?.refresh ?? '')
    const asked = Date.now()
    const chunks = await snapshot()
    const ended = chunks.flatMap((chunk) => chunk.ended)
    expect(chunks.map(({ index, count }) => [index, count])).toEqual([[0, 1]])
    expect(chunks[0]?.at).toBeGreaterThanOrEqual(asked)
    expect(ended).toContainEqual({ scope: 'jti', id: tokens[0]?.claims.jti, until: tokens[0]?.claims.exp + 60 })
    expect(ended.map(({ scope, id }) => `${scope} ${id}`)).toContain(`grant ${tokens[1]?.claims.gid}`)
    expect(ended.map(({ scope, id }) => `${scope} ${id}`)).toContain(`online_session ${tokens[1]?.claims.sid}`)
  })

  it('says from where a stream goes on', async () => {
    const [chunk] = await snapshot()
    const { access, claims } = await signIn()
    await service.revoke(access)
    const { events } = await stream(`/revocations/stream?after=${chunk?.through}`, (seen) => noticesIn(seen).length > 0)
    expect(noticesIn(events).map(({ ended }) => ended.id)).toEqual([claims.jti])
  })
})

describe('the keys of the feed', () => {
  it('are published, and are not those of tokens', async () => {
    const kids = async (path: string) =>
      ((await service.get(path)).body as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
    const { headers } = await service.get('/revocations/jwks')
    expect(headers['cache-control']).toBe('public, max-age=300')
    const [ofFeed, ofTokens] = [await kids('/revocations/jwks'), await kids('/oauth2/jwks')]
    expect(ofFeed.length).toBe(2)
    expect(ofFeed.some((kid) => ofTokens.includes(kid))).toBe(false)
  })
})
