import { once } from 'node:events'
import { createServer, type IncomingMessage, request as send } from 'node:http'
import { text } from 'node:stream/consumers'
import express from 'express'
import fastify from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { dpop } from '../../src/dpop/index.ts'
import { expressAuth } from '../../src/express/index.ts'
import { fastifyAuth } from '../../src/fastify/index.ts'
import { createVerifier } from '../../src/verifier/index.ts'
import { type Verifier } from '../../src/index.ts'
import { type OneIssuerOptions, testDpopKey, testIssuer } from '../../src/testing/index.ts'
import { BODY_SERVERS } from './body-servers.ts'
import { type Listening, listening } from './listening.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A request whose head is sent, and whose body comes when the test says so. */
async function held(port: number, headers: Readonly<Record<string, string>>) {
  const body = '{"item":"tea"}'
  const request = send({ port, host: '127.0.0.1', method: 'POST', path: '/', agent: false })
  for (const [name, value] of Object.entries({ ...headers, 'content-type': 'application/json' }))
    request.setHeader(name, value)
  request.setHeader('content-length', body.length)
  request.write(body.slice(0, 3))
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  answered.catch(() => undefined)
  return {
    async finish() {
      request.end(body.slice(3))
      const [response] = await answered
      return {
        status: response.statusCode,
        challenge: response.headers['www-authenticate'],
        body: await text(response),
      }
    },
  }
}

/** A verifier whose clock a test moves, started, over an issuer of its own. */
async function started(over: Partial<OneIssuerOptions> = {}) {
  const ahead = { ms: 0 }
  const clock = { wall: () => Date.now() + ahead.ms, monotonic: () => performance.now() + ahead.ms }
  const issuer = await testIssuer()
  const verifier = createVerifier(issuer.verifierOptions({ clock, ...over }))
  closing.push(() => verifier.close())
  await verifier.start()
  return { verifier, issuer, ahead }
}

type World = Awaited<ReturnType<typeof started>>

const ENDS: readonly (readonly [string, number, (world: World, token: string) => Promise<unknown> | void])[] = [
  ['revoked', 401, ({ issuer }, token) => issuer.revoke(token)],
  ['ended with its session', 401, ({ issuer }) => issuer.revoke({ scope: 'session', id: 's_1' })],
  ['signed by a key that is compromised now', 401, ({ issuer }) => issuer.revoke({ scope: 'key', id: issuer.kid })],
  ['expired', 401, ({ ahead }) => void (ahead.ms = 400_000)],
  ['of a feed that is silent now', 503, ({ ahead }) => void (ahead.ms = 60_000)],
  ['asked for at a verifier that is closed now', 503, ({ verifier }) => verifier.close()],
]

describe.each(Object.entries(BODY_SERVERS))('%s: a request whose body is slow to come', (_, serve) => {
  async function slow(world: World, end: () => Promise<unknown> | void, headers: Readonly<Record<string, string>>) {
    const orders: unknown[] = []
    const reached = Promise.withResolvers<void>()
    const server = await serve(world.verifier, (order) => orders.push(order), reached.resolve)
    closing.push(server.close)
    const request = await held(server.port, headers)
    await reached.promise
    await end()
    return { ...(await request.finish()), orders }
  }

  it.each(ENDS)('is refused when its token is %s meanwhile', async (_title, status, end) => {
    const world = await started()
    const token = await world.issuer.token({ sid: 's_1' })
    const got = await slow(world, () => end(world, token), { authorization: `Bearer ${token}` })
    expect([got.status, got.orders]).toEqual([status, []])
    if (status === 401) expect(got.challenge).toContain('error="invalid_token"')
    expect(got.body).toContain(status === 401 ? '"invalid_token"' : '"temporarily_unavailable"')
  })

  it('goes on when it is not, and a proof is not spent twice', async () => {
    const world = await started({ dpop: dpop({ policy: 'require' }) })
    const key = await testDpopKey()
    const token = await world.issuer.token({ cnf: { jkt: key.jkt } })
    const server = await serve(
      world.verifier,
      () => undefined,
      () => undefined,
    )
    closing.push(server.close)
    const url = `http://127.0.0.1:${server.port}/`
    const proof = await key.prove({ method: 'POST', url, accessToken: token })
    const headers = { authorization: `DPoP ${token}`, dpop: proof }
    expect(await (await held(server.port, headers)).finish()).toMatchObject({ status: 200, body: 'placed' })
    expect((await (await held(server.port, headers)).finish()).body).toContain('"invalid_dpop_proof"')
  })

  it('is asked about at its issuer where the policy on a stale feed says so', async () => {
    for (const isActive of [true, false]) {
      const asked: string[] = []
      const introspect = async (token: string) => {
        asked.push(token)
        return isActive
      }
      const world = await started({ onStale: { policy: { introspect } } })
      const token = await world.issuer.token()
      const got = await slow(world, () => void (world.ahead.ms = 60_000), { authorization: `Bearer ${token}` })
      expect([got.status, got.orders.length, asked]).toEqual(isActive ? [200, 1, [token]] : [401, 0, [token]])
    }
  })
})

describe('the plugin of Fastify', () => {
  it('looks again right before the handler, behind whatever else took long', async () => {
    const world = await started()
    const token = await world.issuer.token()
    const between: (() => Promise<void>)[] = []
    const app = fastify()
    await app.register(fastifyAuth(world.verifier).plugin())
    app.get('/', { preValidation: async () => void (await between.shift()?.()) }, async () => 'reached')
    closing.push(() => app.close())
    const ask = async () => (await app.inject({ url: '/', headers: { authorization: `Bearer ${token}` } })).statusCode
    expect(await ask()).toBe(200)
    between.push(() => world.issuer.revoke(token))
    expect(await ask()).toBe(401)
  })
})

describe('a guard that a request comes by twice', () => {
  it.each(['fastify', 'express'])('looks again and spends no proof: %s', async (name) => {
    const world = await started({ dpop: dpop({ policy: 'require' }) })
    const key = await testDpopKey()
    const token = await world.issuer.token({ cnf: { jkt: key.jkt } })
    const between: (() => Promise<void>)[] = []
    const pass = async () => void (await between.shift()?.())
    const server = await (name === 'fastify' ? twiceFastify : twiceExpress)(world.verifier, pass)
    closing.push(server.close)
    const url = `http://127.0.0.1:${server.port}/`
    const ask = async () => {
      const proof = await key.prove({ method: 'POST', url, accessToken: token })
      return (await held(server.port, { authorization: `DPoP ${token}`, dpop: proof })).finish()
    }
    expect(await ask()).toMatchObject({ status: 200, body: 'placed' })
    between.push(() => world.issuer.revoke(token))
    expect(await ask()).toMatchObject({ status: 401, body: expect.stringContaining('"invalid_token"') })
  })

  async function twiceFastify(verifier: Verifier, pass: () => Promise<void>): Promise<Listening> {
    const app = fastify()
    const mayPlace = fastifyAuth(verifier).require()
    app.post('/', { onRequest: mayPlace, preHandler: [pass, mayPlace] }, async () => 'placed')
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { ...(await listening(app.server)), close: () => app.close() }
  }

  async function twiceExpress(verifier: Verifier, pass: () => Promise<void>): Promise<Listening> {
    const app = express()
    const mayPlace = expressAuth(verifier).require()
    const between: express.RequestHandler = (_request, _response, next) => void pass().then(() => next())
    app.post('/', mayPlace, express.json(), between, mayPlace, (_request, response) => void response.send('placed'))
    return listening(createServer(app))
  }
})
