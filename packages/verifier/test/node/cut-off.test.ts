import { randomBytes } from 'node:crypto'
import { getEventListeners, once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import express from 'express'
import { VerifierError } from '../../src/error/verifier-error.ts'
import { expressAuth } from '../../src/express/index.ts'
import { guard } from '../../src/guard/guard.ts'
import { cutOff, cutOffEvents, nodeAuth, TRY_AGAIN_LATER, UNAUTHORIZED } from '../../src/node/index.ts'
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
  return { ...kept(await listening(server)), server, watch, heard }
}

const connections = ({ server }: { server: Server }) => promisify(server.getConnections.bind(server))()

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
    const socket = connect(server.port, '127.0.0.1')
    const key = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}`
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket'
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n${upgrade}\r\n${key}\r\n\r\n`)
    await once(socket, 'data')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      server.watch.abort(revoked())
      // It reads the close frame and leaves it at that; only the end of the connection ends it. The patience of `ws` itself is 30 s.
      const closed = once(socket.resume(), 'close')
      vi.advanceTimersByTime(1_000)
      await closed
    } finally {
      vi.useRealTimers()
    }
  })

  it('is told to come again when its token may be good, but nobody can tell', async () => {
    for (const code of ['verifier_stale', 'verifier_not_ready'] as const) {
      const server = await webSockets()
      const client = open(server.port)
      await once(client, 'open')
      server.watch.abort(new VerifierError(code))
      const [closeCode, reason] = await once(client, 'close')
      expect([closeCode, String(reason)]).toEqual([TRY_AGAIN_LATER, code])
    }
  })

  it('that ended before it was watched leaves no listener with the watch', async () => {
    const { signal } = new AbortController()
    const sockets = new WebSocketServer({ noServer: true })
    const server = createServer()
    const watched = Promise.withResolvers<void>()
    server.on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (connection) =>
        connection.once('close', () => {
          cutOff(connection, signal)
          watched.resolve()
        }),
      ),
    )
    const client = open(kept(await listening(server)).port)
    await once(client, 'open')
    client.terminate()
    await watched.promise
    expect(getEventListeners(signal, 'abort')).toEqual([])
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

  it('that is refused holds no socket, although its client ends nothing', async () => {
    const server = await webSockets()
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1.1 401 Unauthorized\r\n/)
    while ((await connections(server)) > 0) await new Promise((resolve) => setImmediate(resolve))
    socket.destroy()
  })

  it('holds no socket, either, when verifying breaks, and the error is told', async () => {
    const errors: unknown[] = []
    const server = createServer()
    server.on('upgrade', (request, socket) => {
      auth.handleUpgrade(request, socket).catch((error: unknown) => errors.push(error))
    })
    const { port } = kept(await listening(server))
    await once(open(port, 'broken'), 'error')
    expect(errors).toEqual([new Error('a mistake of ours')])
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

  it('of events is told to come again when nobody can tell whether its token is good', async () => {
    const server = await streaming('text/event-stream', cutOffEvents)
    const response = await server.receive()
    server.watch.abort(new VerifierError('verifier_stale'))
    expect(await text(response)).toContain(
      'event: ended\ndata: {"error":"temporarily_unavailable","code":"verifier_stale"}\n\n',
    )
  })

  it('of a hundred readers that came and went leaves no listener with the watch', async () => {
    const server = await streaming('text/event-stream', cutOffEvents)
    for (let nth = 0; nth < 100; nth += 1) (await server.receive()).destroy()
    const { signal } = server.watch
    await vi.waitFor(() => expect(getEventListeners(signal, 'abort')).toEqual([]))
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

  /** A client that reads nothing of a response that is larger than what is on the way. */
  async function unread(answer: (response: ServerResponse, signal: AbortSignal) => void) {
    const watch = new AbortController()
    const responses: ServerResponse[] = []
    const server = kept(
      await serving((_, response) => {
        responses.push(response)
        answer(response, watch.signal)
      }),
    )
    const socket = connect(server.port, '127.0.0.1').pause()
    socket.on('error', () => undefined)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await vi.waitFor(() => expect(responses).toHaveLength(1))
    return { watch, socket, response: responses[0] as ServerResponse }
  }

  it.each([
    ['events', cutOffEvents],
    ['anything', cutOff],
  ])(
    'of %s that has ended, and whose reader does not read, is let go, and nothing is written to it',
    async (_, cut) => {
      const { watch, socket, response } = await unread((answer, signal) => {
        cut(answer, signal)
        answer.write('x'.repeat(2e7))
        answer.end()
      })
      expect(response.writableFinished).toBe(false)
      const closed = once(response, 'close')
      watch.abort(revoked())
      await closed
      expect(response.writableFinished).toBe(false)
      socket.destroy()
    },
  )

  it('that was ended, or is gone, when it is cut off is left as it is', async () => {
    for (const end of [
      (response: ServerResponse) => response.end(),
      (response: ServerResponse) => response.destroy(),
    ]) {
      const { watch, socket, response } = await unread((answer, signal) => void cutOffEvents(answer, signal))
      response.write('data: one\n\n')
      end(response)
      watch.abort(revoked())
      if (!response.closed) await once(response, 'close')
      socket.destroy()
    }
  })

  it('whose end only the connection says is reset, so that a part is not taken for the whole', async () => {
    const watch = new AbortController()
    const server = kept(
      await serving((_, response) => {
        response.writeHead(200).write('half')
        cutOff(response, watch.signal)
      }),
    )
    const socket = connect(server.port, '127.0.0.1')
    socket.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n')
    await once(socket, 'readable')
    watch.abort(revoked())
    await expect(text(socket)).rejects.toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('a refusal that comes after somebody else has answered', () => {
  it('adds nothing, and ends no process: node', async () => {
    const done: unknown[] = []
    const server = kept(
      await serving((request, response) => {
        const refused = auth.handle(request, response)
        response.end('too late')
        refused.then(
          (principal) => done.push(principal),
          (error: unknown) => done.push(error),
        )
      }),
    )
    const [response] = (await once(get({ port: server.port, host: '127.0.0.1', agent: false }), 'response')) as [
      IncomingMessage,
    ]
    expect([response.statusCode, await text(response)]).toEqual([200, 'too late'])
    await vi.waitFor(() => expect(done).toEqual([undefined]))
  })

  it('adds nothing, and no promise fails that nobody looks at: express', async () => {
    const done: unknown[] = []
    const guarded = expressAuth(stubVerifier().verifier).require()
    const app = express()
    app.use((request, response, next) => {
      const refused = guarded(request, response, next)
      response.send('too late')
      refused.then(
        () => done.push('settled'),
        (error: unknown) => done.push(error),
      )
    })
    app.use(() => done.push('let through'))
    const server = kept(await listening(createServer(app)))
    const [response] = (await once(get({ port: server.port, host: '127.0.0.1', agent: false }), 'response')) as [
      IncomingMessage,
    ]
    expect([response.statusCode, await text(response)]).toEqual([200, 'too late'])
    await vi.waitFor(() => expect(done).toEqual(['settled']))
  })
})
