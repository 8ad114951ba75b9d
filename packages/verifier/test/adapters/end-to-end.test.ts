import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { dpop, nonceIssuer } from '../../src/dpop/index.ts'
import { createVerifier } from '../../src/verifier/index.ts'
import { cutOff, cutOffEvents, nodeAuth, UNAUTHORIZED } from '../../src/node/index.ts'
import { type OneIssuerOptions, testDpopKey, testIssuer } from '../../src/testing/index.ts'
import { exchange, listening } from './listening.ts'
import { SERVERS } from './servers.ts'

const issuer = await testIssuer()
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function started(over?: Partial<OneIssuerOptions>) {
  const verifier = createVerifier(issuer.verifierOptions(over))
  closing.push(() => verifier.close())
  await verifier.start()
  return verifier
}

/** A server with an endless stream of events at every path, and a WebSocket. */
async function longLived() {
  const verifier = await started()
  const auth = nodeAuth(verifier)
  const sockets = new WebSocketServer({ noServer: true })
  const server = createServer((request, response) => {
    const stream = async () => {
      const principal = await auth.handle(request, response)
      if (!principal) return
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n')
      cutOffEvents(response, verifier.watch(principal))
    }
    void stream()
  })
  server.on('upgrade', (request, socket, head) => {
    const upgrade = async () => {
      const principal = await auth.handleUpgrade(request, socket)
      if (principal)
        sockets.handleUpgrade(request, socket, head, (connection) => cutOff(connection, verifier.watch(principal)))
    }
    void upgrade()
  })
  const { port, close } = await listening(server)
  closing.push(close)
  return {
    async events(token: string) {
      const request = get({ port, host: '127.0.0.1', agent: false, headers: { authorization: `Bearer ${token}` } })
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      if (response.statusCode === 200) await once(response, 'readable')
      return response
    },
    async socket(token: string) {
      const client = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${token}` } })
      await once(client, 'open')
      return client
    },
  }
}

describe('long-lived connections', () => {
  it('are cut off when their session is revoked, and can not be opened again', async () => {
    const server = await longLived()
    for (let round = 0; round < 10; round++) {
      const sid = `s_${round}`
      const token = await issuer.token({ sid })
      const [events, socket] = [await server.events(token), await server.socket(token)]
      const closed = once(socket, 'close')
      const [, [code, reason], received] = await Promise.all([
        issuer.revoke({ scope: 'session', id: sid }),
        closed,
        text(events),
      ])
      expect([code, String(reason)]).toEqual([UNAUTHORIZED, 'token_revoked'])
      expect(received).toContain('event: ended\ndata: {"error":"invalid_token","code":"token_revoked"}\n\n')
      const again = await server.events(token)
      expect(again.statusCode).toBe(401)
      again.resume()
    }
  })

  it('control: stay open when the session of somebody else is revoked', async () => {
    const server = await longLived()
    const token = await issuer.token({ sid: 's_mine' })
    const [events, socket] = [await server.events(token), await server.socket(token)]
    await issuer.revoke({ scope: 'session', id: 's_other' })
    socket.ping()
    await once(socket, 'pong')
    expect([events.complete, socket.readyState]).toEqual([false, WebSocket.OPEN])
    events.destroy()
    socket.terminate()
  })
})

describe.each(Object.entries(SERVERS))('%s', (_, serve) => {
  it('takes a bound token with a proof once, after it said the nonce, and never as a bearer token', async () => {
    const verifier = await started({ dpop: dpop({ policy: 'require', nonces: nonceIssuer() }) })
    const server = await serve(verifier)
    closing.push(server.close)
    const key = await testDpopKey()
    const accessToken = await issuer.token({ scope: 'orders:read', cnf: { jkt: key.jkt } })
    const url = `http://127.0.0.1:${server.port}/orders`
    const send = (scheme: string, proof: string) =>
      exchange(server.port, {
        path: '/orders?page=2',
        headers: [
          ['authorization', `${scheme} ${accessToken}`],
          ['dpop', proof],
        ],
      })

    const asked = await send('DPoP', await key.prove({ method: 'GET', url, accessToken }))
    expect([asked.status, asked.body]).toEqual([401, expect.stringContaining('"use_dpop_nonce"')])
    expect(asked.headers['www-authenticate']).toMatch(/^DPoP error="use_dpop_nonce", .*algs="ES256 EdDSA RS256"$/)
    const nonce = asked.headers['dpop-nonce'] ?? ''
    const proof = await key.prove({ method: 'GET', url, accessToken, nonce })
    expect((await send('DPoP', proof)).body).toBe('hello u_test')
    expect((await send('DPoP', proof)).body).toContain('"invalid_dpop_proof"')
    const another = await key.prove({ method: 'GET', url, accessToken, nonce })
    expect((await send('Bearer', another)).body).toContain('"invalid_token"')
    const elsewhere = await key.prove({ method: 'GET', url: `${url}/write`, accessToken, nonce })
    expect((await send('DPoP', elsewhere)).body).toContain('"invalid_dpop_proof"')
  })

  it('refuses a token that was revoked, from the next request on', async () => {
    const server = await serve(await started())
    closing.push(server.close)
    const token = await issuer.token({ scope: 'orders:read' })
    const send = () => exchange(server.port, { path: '/orders', headers: [['authorization', `Bearer ${token}`]] })
    expect((await send()).body).toBe('hello u_test')
    await issuer.revoke(token)
    expect(await send()).toMatchObject({ status: 401, body: expect.stringContaining('"invalid_token"') })
  })
})
