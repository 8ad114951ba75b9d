import { describe, expect, it } from 'vitest'
import { setting } from './setting.ts'

const TEA = { item: 'tea', quantity: 2 }
const MANAGER = { roles: ['manager'], entitlements: ['orders:report'] }

/** Every guarded route, a request that it would take, and the scope it needs. */
const ROUTES = [
  ['GET', '/orders', undefined, 'orders:read'],
  ['POST', '/orders', TEA, 'orders:write'],
  ['DELETE', '/orders/some', undefined, 'orders:write'],
  ['GET', '/orders/report', undefined, 'orders:read'],
  ['GET', '/orders/stream', undefined, 'orders:read'],
] as const

const other = (scope: string) => (scope === 'orders:read' ? 'orders:write' : 'orders:read')

const sent = (body: object | undefined, token?: string) => ({
  ...(body && { body }),
  ...(token !== undefined && { token }),
})

const INVALID_TOKEN =
  'Bearer error="invalid_token", error_description="The access token provided is expired, revoked, malformed, or invalid for other reasons"'
const DENIED = {
  status: 403,
  challenge: null,
  body: { error: 'access_denied', error_description: 'This is not allowed' },
}

const insufficient = (scope: string) => ({
  status: 403,
  challenge: `Bearer error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token", scope="${scope}"`,
  body: { error: 'insufficient_scope' },
})

describe.each(ROUTES)('%s %s', (method, path, body, scope) => {
  it('asks for a token when there is none', async () => {
    const { send } = await setting()
    expect(await send(method, path, sent(body))).toEqual({ status: 401, challenge: 'Bearer', body: {} })
  })

  it('rejects a token of another issuer, or for another audience', async () => {
    const { send, token } = await setting()
    for (const wrong of ['nonsense', await token({ aud: 'https://bills.example/' }), await token({ exp: 1 })])
      expect(await send(method, path, sent(body, wrong))).toMatchObject({ status: 401, challenge: INVALID_TOKEN })
  })

  it('refuses a token that was revoked', async () => {
    const { send, token, issuer } = await setting()
    const revoked = await token(MANAGER)
    await issuer.revoke(revoked)
    expect(await send(method, path, sent(body, revoked))).toMatchObject({ status: 401, challenge: INVALID_TOKEN })
  })

  it('names the missing scope, whoever asks', async () => {
    const { send, token } = await setting()
    const without = await token({ ...MANAGER, scope: other(scope) })
    expect(await send(method, path, sent(body, without))).toMatchObject(insufficient(scope))
  })
})

describe('orders', () => {
  it('are placed by users who may write, in their name, and read by users who may read', async () => {
    const { send, token } = await setting()
    const placed = await send('POST', '/orders', {
      token: await token({ sub: 'u_1', scope: 'orders:write' }),
      body: TEA,
    })
    expect(placed).toMatchObject({ status: 201, body: { ...TEA, orderedBy: 'u_1', id: expect.any(String) } })
    const read = await send('GET', '/orders', { token: await token({ sub: 'u_2', scope: 'orders:read' }) })
    expect(read).toMatchObject({ status: 200, body: { orders: [placed.body] } })
  })

  it.each([
    ['nothing', ''],
    ['half a JSON', '{"item":'],
    ['no object', '[]'],
    ['null', 'null'],
    ['no quantity', { item: 'tea' }],
    ['no item', { item: '', quantity: 1 }],
    ['a long item', { item: 'x'.repeat(201), quantity: 1 }],
    ['none of it', { item: 'tea', quantity: 0 }],
    ['too much of it', { item: 'tea', quantity: 1_001 }],
    ['half of it', { item: 'tea', quantity: 0.5 }],
    ['a number in words', { item: 'tea', quantity: '2' }],
    ['another member', { ...TEA, orderedBy: 'u_2' }],
  ])('are not placed by %s', async (_, body) => {
    const { send, token, orders } = await setting()
    expect((await send('POST', '/orders', { token: await token(), body })).status).toBe(400)
    expect(orders.all()).toEqual([])
  })

  it('are taken as JSON only, and no larger than an order is', async () => {
    const { send, token, orders } = await setting()
    const mine = await token()
    expect((await send('POST', '/orders', { token: mine, body: TEA, type: 'text/xml' })).status).toBe(415)
    const large = { item: 'x'.repeat(20_000), quantity: 1 }
    expect((await send('POST', '/orders', { token: mine, body: large })).status).toBe(413)
    expect(orders.all()).toEqual([])
  })

  it('are not even parsed for a client without a token', async () => {
    const { send } = await setting()
    expect((await send('POST', '/orders', { body: '{"item":' })).status).toBe(401)
  })
})

describe('cancelling', () => {
  it('is for managers: the scope alone is not enough', async () => {
    const { send, token, orders } = await setting()
    const { id } = orders.place({ ...TEA, orderedBy: 'u_1' })
    for (const roles of [undefined, [], ['reader'], ['managers']])
      expect(await send('DELETE', `/orders/${id}`, { token: await token({ roles }) })).toEqual(DENIED)
    expect(orders.all()).toHaveLength(1)
    expect((await send('DELETE', `/orders/${id}`, { token: await token(MANAGER) })).status).toBe(204)
    expect(orders.all()).toEqual([])
  })

  it('of an order that does not exist, or no longer does, is answered with 404', async () => {
    const { send, token, orders } = await setting()
    const { id } = orders.place({ ...TEA, orderedBy: 'u_1' })
    orders.cancel(id)
    for (const unknown of [id, 'none'])
      expect((await send('DELETE', `/orders/${unknown}`, { token: await token(MANAGER) })).status).toBe(404)
  })
})

describe('the report', () => {
  it('is for those who are entitled to it, and counts what there is', async () => {
    const { send, token, orders } = await setting()
    for (const quantity of [2, 3]) orders.place({ item: 'tea', quantity, orderedBy: 'u_1' })
    for (const entitlements of [undefined, [], ['orders:reports']])
      expect(await send('GET', '/orders/report', { token: await token({ ...MANAGER, entitlements }) })).toEqual(DENIED)
    const { entitlements } = MANAGER
    const report = await send('GET', '/orders/report', { token: await token({ entitlements }) })
    expect(report).toEqual({ status: 200, challenge: null, body: { orders: 2, items: 5 } })
  })
})

describe('the API before its issuer is there', () => {
  it('reports that it is not ready, and admits no one; then it is, and does', async () => {
    const { send, token, verifier } = await setting({ isStarted: false })
    expect(await send('GET', '/healthz')).toMatchObject({ status: 503, body: { isReady: false } })
    const early = await send('GET', '/orders', { token: await token() })
    expect(early).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
    await verifier.start()
    expect(await send('GET', '/healthz')).toMatchObject({ status: 200, body: { isReady: true } })
    expect((await send('GET', '/orders', { token: await token() })).status).toBe(200)
  })
})
