import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { VerifierError } from '../../src/errors.ts'
import { guard } from '../../src/guard.ts'
import { cutOff, cutOffEvents, nodeAuth, UNAUTHORIZED } from '../../src/node/index.ts'
import { type Listening, listening, serving } from '../adapters/listening.ts'
import { stubVerifier } from '../adapters/stub-verifier.ts'

const auth = nodeAuth(stubVerifier().verifier)
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const revoked = () => new VerifierError('token_revoked')
const kept = (server: Listening) => {
  closing.push(server.close)
  return server
}

/** A server of WebSockets that a watch cuts off; says what it heard. */
async function webSockets() {
  const watch = new AbortController()
  const heard: string[] = []
  const sockets = new WebSocketServer({ noServer: true })
  const server = createServer()
  server.on('upgrade', (request, socket, head) => {
    const opened = async () => {
      const principal = await auth.handleUpgrade(request, socket, guard.scopes('orders:read'))
      if (!principal) return
      sockets.handleUpgrade(request, socket, head, (connection) => {
        cutOff(connection, watch.signal)
        connection.on('message', (data) => heard.push(String(data)))
      })
    }
    void opened()
  })
  return { ...kept(await listening(server)), watch, heard }
}

const open = (port: number, token = 'good') =>
  new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${token}` } })

describe('a WebSocket', () => {
  it('is closed with 4401 the moment its token is revoked, and told why', async () => {
    const server = await webSockets()
    const client = open(server.port)
    await once(client, 'open')
    server.watch.abort(revoked())
    const [code, reason] = await once(client, 'close')
    expect([code, String(reason)]).toEqual([UNAUTHORIZED, 'token_revoked'])
  })

  it('is not heard any more from then on', async () => {
    const server = await webSockets()
    const client = open(server.port)
    await once(client, 'open')
    client.send('before')
    while (server.heard.length === 0) await new Promise((resolve) => setImmediate(resolve))
    server.watch.abort(revoked())
    for (let i = 0; i < 10; i++) client.send('after')
    await once(client, 'close')
    expect(server.heard).toEqual(['before'])
  })

  it('is cut off, too, when its client does not answer', async () => {
    const server = await webSockets()
    const client = open(server.port)
    await once(client, 'open')
    client.pause()
    server.watch.abort(revoked())
    // The client never reads the close frame; only the end of the connection ends it.
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    client.resume()
    await once(client, 'close')
    expect(client.readyState).toBe(WebSocket.CLOSED)
  })

  it('is closed at once when the token was revoked before it was open', async () => {
    const server = await webSockets()
    server.watch.abort(revoked())
    const client = open(server.port)
    const [code] = await once(client, 'close')
    expect(code).toBe(UNAUTHORIZED)
  })

  it('is not opened with a bad token, or with none', async () => {
    const server = await webSockets()
    for (const [token, status] of [
      ['token_revoked', 401],
      ['a b', 400],
    ] as const) {
      const [, response] = (await once(open(server.port, token), 'unexpected-response')) as [unknown, IncomingMessage]
      expect(response.statusCode).toBe(status)
      expect(response.headers['www-authenticate']).toContain('Bearer error=')
      expect(await text(response)).toContain('"error":')
    }
  })

  it('control: lives on when nothing is revoked', async () => {
    const server = await webSockets()
    const client = open(server.port)
    await once(client, 'open')
    for (const message of ['one', 'two']) client.send(message)
    client.close(1000)
    const [code] = await once(client, 'close')
    expect([code, server.heard]).toEqual([1000, ['one', 'two']])
  })

  it('whose client goes away before it is let in ends nothing else', async () => {
    const server = await webSockets()
    const socket = connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.resetAndDestroy()
    const client = open(server.port)
    await once(client, 'open')
    client.close()
    await once(client, 'close')
  })
})

/** A server of one endless response of this type. */
async function streaming(type: string, cut: typeof cutOffEvents = cutOff) {
  const watch = new AbortController()
  const stops: (() => void)[] = []
  const server = await serving((_, response) => {
    response.writeHead(200, { 'content-type': type }).write('data: one\n\n')
    stops.push(cut(response, watch.signal))
  })
  const receive = async () => {
    const [response] = (await once(get({ port: server.port, host: '127.0.0.1', agent: false }), 'response')) as [
      IncomingMessage,
    ]
    await once(response, 'readable')
    return response
  }
  return { ...kept(server), watch, stops, receive }
}

describe('a long response', () => {
  it('of events ends with one that says why', async () => {
    const server = await streaming('text/event-stream', cutOffEvents)
    const response = await server.receive()
    server.watch.abort(revoked())
    expect(await text(response)).toBe(
      'data: one\n\nevent: ended\ndata: {"error":"invalid_token","code":"token_revoked"}\n\n',
    )
    expect(response.complete).toBe(true)
  })

  it('of anything else breaks off, so that a part is not taken for the whole', async () => {
    const server = await streaming('application/octet-stream')
    const response = await server.receive()
    server.watch.abort(revoked())
    await expect(text(response)).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('goes on when the watch was given up', async () => {
    const server = await streaming('text/event-stream', cutOffEvents)
    const response = await server.receive()
    server.stops.forEach((stop) => stop())
    server.watch.abort(revoked())
    await new Promise((resolve) => setImmediate(resolve))
    expect(response.complete).toBe(false)
    response.destroy()
  })
})
