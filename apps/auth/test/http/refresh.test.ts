import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, BATCH, newAttempt, openService, type Service, STOCK_API } from './service.ts'

let service: Service
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.close())

const PAGE = { client_id: 'page' }
const MANY = Array.from({ length: 64 })

const refreshToken = ({ body }: Answer): string => String(body['refresh_token'])
const accessToken = ({ body }: Answer): string => String(body['access_token'])
const errorOf = ({ status, body }: Answer) => [status, body['error']]
const REFUSED = [400, 'invalid_grant']

const isAlive = async (answer: Answer): Promise<boolean> =>
  (await service.introspect(accessToken(answer)))['active'] === true

/** A new sign-in of the confidential client, or of the one without a secret. */
const signedIn = () => service.signIn({ scope: 'orders:read' })
const signedInPage = () => service.signIn(PAGE, '')
const refreshPage = (token: string, fields = {}) => service.refresh(token, { ...PAGE, ...fields }, '')

describe('a refresh (RFC 6749 §6)', () => {
  it('gives a new access token and the one successor, and the tokens before stay what they were', async () => {
    const first = await signedIn()
    const second = await service.refresh(refreshToken(first))
    expect(second.status).toBe(200)
    expect(refreshToken(second)).not.toBe(refreshToken(first))
    const [before, after] = [decodeJwt(accessToken(first)), decodeJwt(accessToken(second))]
    expect(after.jti).not.toBe(before.jti)
    for (const claim of ['sub', 'sid', 'gid', 'auth_time', 'user_epoch', 'scope', 'aud'])
      expect(after[claim]).toEqual(before[claim])
    expect(await isAlive(first)).toBe(true)
    expect(await isAlive(second)).toBe(true)
  })

  it('may narrow the scope of its access token, and never widen the grant', async () => {
    const first = await service.signIn({ scope: 'orders:read orders:write' })
    const narrowed = await service.refresh(refreshToken(first), { scope: 'orders:read' })
    expect(narrowed.body['scope']).toBe('orders:read')
    const whole = await service.refresh(refreshToken(narrowed))
    expect(whole.body['scope']).toBe('orders:read orders:write')
    const wider = await service.refresh(refreshToken(whole), { scope: 'orders:read stock:read' })
    expect(errorOf(wider)).toEqual([400, 'invalid_scope'])
    expect((await service.refresh(refreshToken(whole))).status).toBe(200)
  })

  it('by another client is refused and changes nothing', async () => {
    const first = await signedIn()
    expect(errorOf(await refreshPage(refreshToken(first)))).toEqual(REFUSED)
    expect(errorOf(await service.refresh(refreshToken(first), {}, BATCH))).toEqual([400, 'unauthorized_client'])
    expect((await service.refresh(refreshToken(first))).status).toBe(200)
  })

  it('with a forged secret of a known grant, or another generation, is refused and changes nothing', async () => {
    const first = await signedIn()
    const [r1, key, gid, , secret = ''] = refreshToken(first).split('.')
    const other = secret.startsWith('A') ? 'B' : 'A'
    const forged = [
      [r1, key, gid, '0', other + secret.slice(1)],
      [r1, key, gid, '1', secret],
      [r1, key, gid, '00', secret],
      [r1, '0'.repeat(16), gid, '0', secret],
      [r1, key, '0'.repeat(32), '0', secret],
    ].map((parts) => parts.join('.'))
    for (const token of forged) expect(errorOf(await service.refresh(token))).toEqual(REFUSED)
    expect(await isAlive(first)).toBe(true)
    expect((await service.refresh(refreshToken(first))).status).toBe(200)
  })
})

describe('64 refreshes at once', () => {
  it('with one refresh_attempt get 64 answers and one successor', async () => {
    const first = await signedIn()
    const refresh_attempt = newAttempt()
    const answers = await Promise.all(MANY.map(() => service.refresh(refreshToken(first), { refresh_attempt })))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map(refreshToken)).size).toBe(1)
    expect(new Set(answers.map(accessToken)).size).toBe(64)
    const [one] = answers
    expect((await service.refresh(refreshToken(one as Answer))).status).toBe(200)
  })

  it.each([
    ['a confidential client', signedIn, (token: string) => service.refresh(token)],
    ['a page', signedInPage, (token: string) => refreshPage(token)],
  ])('of %s without it are all answered by the grace, with one successor', async (_, signIn, refresh) => {
    const first = await signIn()
    const answers = await Promise.all(MANY.map(() => refresh(refreshToken(first))))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map(refreshToken)).size).toBe(1)
    expect((await refresh(refreshToken(answers[0] as Answer))).status).toBe(200)
  })

  it('with 64 attempts: one is answered, and the grant ends', async () => {
    const first = await signedIn()
    const answers = await Promise.all(
      MANY.map(() => service.refresh(refreshToken(first), { refresh_attempt: newAttempt() })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(await isAlive(first)).toBe(false)
  })
})

describe('a spent refresh token', () => {
  it('is answered again for the same attempt while its successor is unused', async () => {
    const first = await signedInPage()
    const fields = { refresh_attempt: newAttempt() }
    const lost = await refreshPage(refreshToken(first), fields)
    const again = await refreshPage(refreshToken(first), fields)
    expect(again.status).toBe(200)
    expect(refreshToken(again)).toBe(refreshToken(lost))
  })

  it('that comes late with the attempt that spent it is refused, and nothing ends', async () => {
    const first = await signedInPage()
    const fields = { refresh_attempt: newAttempt() }
    const second = await refreshPage(refreshToken(first), fields)
    const third = await refreshPage(refreshToken(second), { refresh_attempt: newAttempt() })
    const fourth = await refreshPage(refreshToken(third), { refresh_attempt: newAttempt() })
    expect(errorOf(await refreshPage(refreshToken(first), fields))).toEqual(REFUSED)
    expect(await isAlive(fourth)).toBe(true)
    expect((await refreshPage(refreshToken(fourth))).status).toBe(200)
  })

  it.each([
    ['without an attempt', {}],
    ['with an attempt of its own', { refresh_attempt: newAttempt() }],
  ])('that comes back %s ends the grant, its tokens and its refresh token', async (_, fields) => {
    const first = await signedInPage()
    const second = await refreshPage(refreshToken(first), { refresh_attempt: newAttempt() })
    expect(errorOf(await refreshPage(refreshToken(first), fields))).toEqual(REFUSED)
    expect(await isAlive(second)).toBe(false)
    expect(errorOf(await refreshPage(refreshToken(second)))).toEqual(REFUSED)
  })

  it('gets a grace from another network once, and the next one from there ends the grant', async () => {
    const from = (remoteAddress: string, token: string) =>
      service.send({
        method: 'POST',
        url: '/oauth2/token',
        remoteAddress,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, ...PAGE }).toString(),
      })
    const [home, away] = ['192.0.2.1', '198.51.100.1']
    const first = await signedInPage()
    const second = await from(home, refreshToken(first))
    for (const place of [home, away, home])
      expect(refreshToken(await from(place, refreshToken(first)))).toBe(refreshToken(second))
    const third = await from(away, refreshToken(second))
    expect(third.status).toBe(200)
    expect(errorOf(await from(home, refreshToken(second)))).toEqual(REFUSED)
    expect(await isAlive(third)).toBe(false)
  })

  it.each([
    ['a scope beyond the grant', { scope: 'stock:read' }],
    ['a malformed scope', { scope: '"' }],
    ['a resource beyond the grant', { resource: 'https://stock.example/' }],
    ['a malformed attempt', { refresh_attempt: 'x' }],
  ])('that comes back with %s ends the grant all the same', async (_, fields) => {
    const first = await signedInPage()
    const second = await refreshPage(refreshToken(first), { refresh_attempt: newAttempt() })
    expect(errorOf(await refreshPage(refreshToken(first), fields))).toEqual(REFUSED)
    expect(await isAlive(second)).toBe(false)
  })
})

describe('revocation (RFC 7009) and introspection (RFC 7662)', () => {
  it('of an access token ends that token alone', async () => {
    const [one, other] = [await signedIn(), await signedIn()]
    const renewed = await service.refresh(refreshToken(one))
    expect((await service.revoke(accessToken(one))).status).toBe(200)
    expect([await isAlive(one), await isAlive(renewed), await isAlive(other)]).toEqual([false, true, true])
  })

  it('of a refresh token, spent ones too, ends the grant and every token of it', async () => {
    const first = await signedIn()
    const second = await service.refresh(refreshToken(first))
    expect((await service.revoke(refreshToken(first))).status).toBe(200)
    expect([await isAlive(first), await isAlive(second)]).toEqual([false, false])
    expect(errorOf(await service.refresh(refreshToken(second)))).toEqual(REFUSED)
  })

  it('of a service’s own token ends it', async () => {
    const { body } = await service.token({ grant_type: 'client_credentials', scope: 'plain' }, BATCH)
    const jwt = String(body['access_token'])
    expect((await service.introspect(jwt, BATCH))['active']).toBe(true)
    await service.revoke(jwt, BATCH)
    expect(await service.introspect(jwt, BATCH)).toEqual({ active: false })
  })

  it('of what is no token, or twice, is answered with 200 and changes nothing', async () => {
    const first = await signedIn()
    for (const text of ['', 'x', 'a.b.c', 'r1.x', `${accessToken(first)}x`])
      expect((await service.revoke(text || 'nothing')).status).toBe(200)
    expect(await isAlive(first)).toBe(true)
    for (let times = 0; times < 2; times += 1) expect((await service.revoke(refreshToken(first))).status).toBe(200)
    expect(errorOf(await service.form('/oauth2/revoke', { token: 'x' }))).toEqual([401, 'invalid_client'])
    expect(errorOf(await service.revoke(accessToken(first), STOCK_API))).toEqual([401, 'invalid_client'])
  })

  it('of another client’s token is rejected with an error (§2.1), and the token stays valid', async () => {
    const first = await signedIn()
    const second = await service.refresh(refreshToken(first))
    const batch = await service.token({ grant_type: 'client_credentials', scope: 'plain' }, BATCH)
    const FOREIGN = [400, 'invalid_request']
    for (const text of [accessToken(second), refreshToken(first), refreshToken(second)])
      expect(errorOf(await service.revoke(text, BATCH))).toEqual(FOREIGN)
    expect(errorOf(await service.revoke(accessToken(batch)))).toEqual(FOREIGN)
    expect(await isAlive(second)).toBe(true)
    expect((await service.introspect(accessToken(batch), BATCH))['active']).toBe(true)
    expect((await service.refresh(refreshToken(second))).status).toBe(200)
  })

  it('inform a resource server only of tokens for it, and no one without credentials', async () => {
    const first = await signedIn()
    expect(await service.introspect(accessToken(first))).toMatchObject({
      active: true,
      token_type: 'Bearer',
      client_id: 'web',
      scope: 'orders:read',
    })
    expect(await service.introspect(accessToken(first), STOCK_API)).toEqual({ active: false })
    expect(await service.introspect(refreshToken(first))).toEqual({ active: false })
    expect(errorOf(await service.form('/oauth2/introspect', { token: accessToken(first) }))).toEqual([
      401,
      'invalid_client',
    ])
  })

  it('tell of garbage, tampered and foreign tokens that they are inactive, and nothing else', async () => {
    const [header = '', payload = '', signature = ''] = accessToken(await signedIn()).split('.')
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
    const other = signature.startsWith('A') ? 'B' : 'A'
    const tokens = [
      'x',
      '..',
      `${header}.${payload}.`,
      `${header}.${payload}.${other}${signature.slice(1)}`,
      `${none}.${payload}.`,
      `${header}.${Buffer.from('{"iss":"x"}').toString('base64url')}.${signature}`,
      'r1.0000000000000000.00000000000000000000000000000000.0.0000000000000000000000000000000000000000000',
    ]
    for (const token of tokens) expect(await service.introspect(token)).toEqual({ active: false })
  })
})
