import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { brokerIsAvailable, openBroker } from '@ledgate/revocation/testing'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { spawnDemo } from '../src/demo.ts'
import { isMissing } from '../src/machine.ts'
import { read } from '../src/reading.ts'
import { send } from '../src/requests.ts'
import { type Installation, newInstallation, startServer } from '../src/server.ts'
import { basic } from '../src/world.ts'

const root = join(import.meta.dirname, '../../..')
const readText = (path: string) => readFileSync(join(root, path), 'utf8')

const CLIENT = basic('demo', 'demo-only-client-secret')
const MANAGER = { username: 'manager@example.com', password: 'a demo manager decides' }
const READER = { username: 'demo@example.com', password: 'a demo person signs in' }
const TEA = { item: 'tea', quantity: 2 }

const installDemo = () => newInstallation(JSON.parse(readText('tools/bootstrap/demo.json')) as object)

type Server = Awaited<ReturnType<typeof startServer>>

/** Signs in as the demo's client does for people. */
async function signIn(server: Server, who: typeof MANAGER, scope?: string) {
  const fields = { grant_type: 'password', ...who, ...(scope !== undefined && { scope }) }
  const { body } = await server.token(fields, CLIENT)
  return { bearer: { authorization: `Bearer ${String(body['access_token'])}` }, refresh: String(body['refresh_token']) }
}

type Bearer = Awaited<ReturnType<typeof signIn>>['bearer']

const ordersAt = (url: string) => ({
  get: (path: string, headers: Bearer) => send(`${url}${path}`, { headers }),
  cancel: (id: unknown, headers: Bearer) => send(`${url}/orders/${String(id)}`, { method: 'DELETE', headers }),
  place: (headers: Bearer, order: object = TEA) =>
    send(`${url}/orders`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(order),
    }),
  follow: (headers: Bearer) => read(`${url}/orders/stream`, headers),
})

/** A server that every test leaves as it is. */
let installation: Installation
let server: Server
beforeAll(async () => {
  installation = await installDemo()
  server = await startServer(installation)
})

describe('the demo beside the server that npm start starts', () => {
  it('lets in who may, tells of orders, and is cut off and closed to a token whose grant was revoked', async () => {
    const api = ordersAt(await spawnDemo(installation).url())
    const [hers, his] = [await signIn(server, MANAGER), await signIn(server, READER)]
    const [herStream, hisStream] = [await api.follow(hers.bearer), await api.follow(his.bearer)]
    const placed = await api.place(his.bearer)
    expect(placed).toMatchObject({ status: 201, body: TEA })
    for (const stream of [herStream, hisStream]) await stream.until(`event: placed\ndata: ${placed.text}\n\n`)
    expect((await api.get('/orders', hers.bearer)).body).toEqual({ orders: [placed.body] })

    expect((await server.revoke(hers.refresh, CLIENT)).status).toBe(200)
    expect(await herStream.whole).toMatch(/event: ended\ndata: {"error":"invalid_token","code":"token_revoked"}\n\n$/)
    const refused = await api.get('/orders', hers.bearer)
    expect(refused).toMatchObject({ status: 401, body: { error: 'invalid_token' } })
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"')
    await hisStream.until((await api.place(his.bearer)).text)
    expect((await api.get('/orders', (await signIn(server, MANAGER)).bearer)).status).toBe(200)
  })

  it('lets a person of the demo try every guard: scopes, the role, the entitlement', async () => {
    const api = ordersAt(await spawnDemo(installation).url())
    const [manager, reader] = [(await signIn(server, MANAGER)).bearer, (await signIn(server, READER)).bearer]
    const mayOnlyRead = (await signIn(server, MANAGER, 'orders:read')).bearer
    const { id } = (await api.place(reader)).body
    expect(await api.place(mayOnlyRead)).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } })
    expect(await api.cancel(id, reader)).toMatchObject({ status: 403, body: { error: 'access_denied' } })
    expect(await api.get('/orders/report', reader)).toMatchObject({ status: 403, body: { error: 'access_denied' } })
    expect(await api.get('/orders/report', manager)).toMatchObject({ status: 200, body: { orders: 1, items: 2 } })
    expect((await api.cancel(id, manager)).status).toBe(204)
  })

  it('waits for a server that comes later, and goes on beside one that was started again', async () => {
    const installation = await installDemo()
    const demo = spawnDemo(installation)
    await demo.says(/waiting for/)
    const server = await startServer(installation)
    const api = ordersAt(await demo.url())
    const { bearer, refresh } = await signIn(server, READER)
    await server.kill() // at once: what a server does at its end may take longer than the API trusts its last heartbeat
    expect((await api.place(bearer)).status).toBe(201) // nobody is asked
    const again = await startServer(installation)
    // On a slow machine it was away for longer than it is trusted unheard.
    await vi.waitFor(async () => expect((await api.get('/orders', bearer)).status).toBe(200))
    const stream = await api.follow(bearer)
    await again.revoke(refresh, CLIENT)
    expect(await stream.whole).toContain('token_revoked')
    expect(demo.output()).not.toMatch(/^ {4}at /m)
  })

  it.skipIf(!brokerIsAvailable())('hears of what was revoked by Kafka, when it is told where that is', async () => {
    const broker = await openBroker({ isOwn: true })
    onTestFinished(() => broker.close())
    const environment = { LEDGATE_KAFKA_BROKERS: broker.brokers.join() }
    const installation = await installDemo()
    const server = await startServer(installation, { environment })
    const api = ordersAt(await spawnDemo(installation, { environment }).url())
    const { bearer, refresh } = await signIn(server, READER)
    const stream = await api.follow(bearer)
    expect((await api.get('/healthz', bearer)).text).toContain('"source":"kafka"')
    await server.revoke(refresh, CLIENT)
    expect(await stream.whole).toContain('token_revoked')
  })

  it.each([
    ['secret', { DEMO_CLIENT_SECRET: 'not-this-one' }],
    ['client', { DEMO_CLIENT_ID: 'demo', DEMO_CLIENT_SECRET: 'demo-only-client-secret' }],
  ])('says at once which settings are wrong when it has the wrong %s, and ends', async (_, environment) => {
    const demo = spawnDemo(installation, { environment })
    expect(await demo.ended).toBe(1)
    expect(demo.output()).toBe('demo: DEMO_CLIENT_ID and DEMO_CLIENT_SECRET are not those of a resource server\n')
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends by %s at once and with 0, and its streams as they should',
    async (signal) => {
      const demo = spawnDemo(installation)
      const api = ordersAt(await demo.url())
      const { bearer } = await signIn(server, READER)
      const streams = await Promise.all([1, 2, 3].map(() => api.follow(bearer)))
      await api.place(bearer)
      demo.kill(signal)
      expect(await demo.ended).toBe(0)
      for (const stream of streams) expect(await stream.whole).toMatch(/event: placed\n.*\n\n$/)
    },
  )
})

/** What the README says to paste into each of the two terminals. */
function terminals(installation: Installation, demoUrl: string): readonly string[] {
  const section = /\n## The demo\n(.*?)\n## /s.exec(readText('README.md'))?.[1] ?? ''
  return [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, lines = '']) =>
    lines
      .replaceAll('http://127.0.0.1:4040', installation.url)
      .replaceAll('http://127.0.0.1:4050', demoUrl)
      .replaceAll('/tmp/ledgate-tokens', join(installation.folder, 'tokens')),
  )
}

describe.skipIf(isMissing(['bash', 'curl'], "the demo's lines in the README"))("the demo's lines in the README", () => {
  it('work when they are pasted: the stream tells of the order, and is cut; the token is refused', async () => {
    const [follow = '', act = ''] = terminals(installation, await spawnDemo(installation).url())
    const first = spawn('bash', ['-euo', 'pipefail', '-c', follow], { stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void first.kill('SIGKILL'))
    const closed = once(first, 'close')
    let stream = ''
    first.stdout.setEncoding('utf8').on('data', (part: string) => (stream += part))
    while (!stream.includes(': orders')) await pause(20)

    const { stdout, status } = spawnSync('bash', ['-euo', 'pipefail', '-c', act], { encoding: 'utf8' })
    const [placed = '', report = '', ...refused] = stdout.split('\n')
    expect(JSON.parse(placed)).toMatchObject(TEA)
    expect([report, status]).toEqual(['{"orders":1,"items":2}', 0])
    expect(refused.join('\n')).toMatch(/^HTTP\/1\.1 401 .*www-authenticate: Bearer error="invalid_token"/s)
    expect((await closed)[0]).toBe(0)
    expect(stream).toContain(`event: placed\ndata: ${placed}\n\nevent: ended\n`)
  })
})
