import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import type { Verifier } from '@ledgate/verifier'
import { setting, type Setting } from './setting.ts'

const TEA = { item: 'tea', quantity: 2, orderedBy: 'u_2' }
const HER = { sub: 'u_her', sid: 's_her', gid: 'g_her', jti: 'j_her', client_id: 'c_her' }

const ended = (code: string) => `event: ended\ndata: {"error":"invalid_token","code":"${code}"}\n\n`

const nobodyFollows = ({ orders }: Setting) => vi.waitFor(() => expect(orders.followers()).toBe(0), { timeout: 5_000 })

describe('the stream of orders', () => {
  it('sends every change from now on to every client that may read, whoever made it', async () => {
    const { orders, token, follow } = await setting()
    orders.place({ ...TEA, item: 'before' })
    const readers = await Promise.all(
      ['u_1', 'u_2'].map(async (sub) => follow(await token({ sub, scope: 'orders:read' }))),
    )
    const order = orders.place(TEA)
    orders.cancel(order.id)
    const data = JSON.stringify(order)
    const expected = `: orders\n\nevent: placed\ndata: ${data}\n\nevent: cancelled\ndata: ${data}\n\n`
    for (const reader of readers) {
      await reader.until('cancelled')
      expect(reader.text()).toBe(expected)
      expect(reader.response.headers).toMatchObject({
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
      })
    }
  })

  it('cannot be broken by the text of an order', async () => {
    const { orders, token, follow } = await setting()
    const reader = await follow(await token())
    orders.place({ ...TEA, item: 'tea\n\nevent: ended\ndata: {}\n\n' })
    await reader.until('placed')
    expect(reader.text().split('\n\n').filter(Boolean)).toHaveLength(2)
  })

  it('is not there for HEAD, which would wait for ever', async () => {
    const { send, token } = await setting()
    expect((await send('HEAD', '/orders/stream', { token: await token() })).status).toBe(404)
  })
})

describe('a stream whose token ends', () => {
  const ENDINGS = [
    { scope: 'jti', id: HER.jti },
    { scope: 'session', id: HER.sid },
    { scope: 'online_session', id: HER.sid },
    { scope: 'grant', id: HER.gid },
    { scope: 'user', id: HER.sub },
    { scope: 'client', id: HER.client_id },
    { scope: 'issuer', id: '' },
  ] as const

  it.each(ENDINGS)('by its $scope is told the reason and closed, and the token opens no other', async (ending) => {
    const made = await setting()
    const { issuer, orders, token, follow, send } = made
    const hers = await token(HER)
    const readers = [await follow(hers), await follow(hers)]
    await issuer.revoke(ending)
    orders.place(TEA) // too late for her
    for (const reader of readers) expect(await reader.ended).toBe(`: orders\n\n${ended('token_revoked')}`)
    expect(await send('GET', '/orders/stream', { token: hers })).toMatchObject({
      status: 401,
      challenge: expect.stringContaining('error="invalid_token"'),
    })
    await nobodyFollows(made)
  })

  it('by the key that signed it is cut as well', async () => {
    const { issuer, token, follow } = await setting()
    const reader = await follow(await token(HER))
    await issuer.revoke({ scope: 'key', id: issuer.kid })
    expect(await reader.ended).toContain(ended('token_revoked'))
  })

  it.each(ENDINGS.slice(0, -1))("goes on when it is somebody else's $scope that ended", async ({ scope }) => {
    const { issuer, orders, token, follow } = await setting()
    const reader = await follow(await token(HER))
    await issuer.revoke({ scope, id: 'another' })
    orders.place(TEA)
    await reader.until('event: placed')
    expect(reader.text()).not.toContain('ended')
    expect(orders.followers()).toBe(1)
  })

  it('because its time is over is cut as well', async () => {
    const made = await setting()
    const reader = await made.follow(await made.token({ exp: Math.ceil(Date.now() / 1000) + 1 }))
    expect(await reader.ended).toContain(ended('token_expired'))
    await nobodyFollows(made)
  })

  it('takes nothing that arrives while it closes, and harms no other stream', async () => {
    const { issuer, verifier, orders, token, follow } = await setting()
    const [hers, theirs] = [
      await follow(await token(HER)),
      await follow(await token({ sub: 'u_other', sid: 's_other' })),
    ]
    verifier.onRevoked(() => void orders.place(TEA)) // told right after the cut, before anything of it is sent
    await issuer.revoke({ scope: 'session', id: HER.sid })
    await theirs.until('event: placed')
    expect(await hers.ended).toBe(`: orders\n\n${ended('token_revoked')}`)
  })
})

describe('nobody is followed for', () => {
  it('a reader that has left', async () => {
    const made = await setting()
    const reader = await made.follow(await made.token())
    expect(made.orders.followers()).toBe(1)
    reader.response.destroy()
    await nobodyFollows(made)
  })

  it('a reader that left while its token was looked at', async () => {
    const gate = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const slowly = (verifier: Verifier): Verifier => ({
      ...verifier,
      async verify(token, context) {
        asked.resolve()
        await gate.promise
        return verifier.verify(token, context)
      },
    })
    const made = await setting({ change: slowly })
    const watched = vi.spyOn(made.orders, 'follow')
    const token = await made.token()
    const accepted = once(made.server, 'connection')
    const socket = connect(made.port, '127.0.0.1')
    const [served] = (await accepted) as [Socket]
    const heard = new Promise((heard) => served.once('close', heard)) // and not its error, which is the reset
    socket.write(`GET /orders/stream HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n\r\n`)
    await asked.promise
    socket.resetAndDestroy()
    await heard
    gate.resolve()
    await made.follow(token) // whose token is looked at after that one's
    expect([made.orders.followers(), watched.mock.calls.length]).toEqual([1, 1])
  })

  it('a reader that does not keep up: it is let go, and the others miss nothing', async () => {
    const made = await setting()
    const { orders, token, open, follow } = made
    const [slow, quick] = [await open(await token()), await follow(await token())]
    let placed = 0
    for (const until = Date.now() + 20_000; orders.followers() === 2 && Date.now() < until; placed += 100) {
      for (let n = 0; n < 100; n += 1) orders.place({ ...TEA, item: 'x'.repeat(200) })
      await new Promise((resolve) => setImmediate(resolve))
    }
    const last = orders.place(TEA)
    await quick.until(last.id)
    expect(quick.text().match(/event: placed/g)).toHaveLength(placed + 1)
    expect(orders.followers()).toBe(1)
    await expect(slow.toArray()).rejects.toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('an API that stops', () => {
  it('ends every stream properly and at once, also with half a request pending', async () => {
    const made = await setting()
    const token = await made.token()
    const reader = await made.follow(token)
    const half = connect(made.port, '127.0.0.1').on('error', () => undefined)
    half.write(`POST /orders HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\ncontent-length: 9\r\n\r\n{`)
    await once(made.server, 'request')
    for (let n = 0; n < 300; n += 1) made.orders.place({ ...TEA, item: 'x'.repeat(200) })
    await made.close()
    expect((await reader.ended).match(/event: placed/g)).toHaveLength(300)
    await nobodyFollows(made)
  })
})
