import { connect, type Socket } from 'node:net'
import Fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endIdleConnections, endOwedBodies, type TimeLimits, timeLimitOptions } from './time-limits.ts'
import { installErrorHandler } from './error-handler.ts'

const LIMITS: TimeLimits = { request: 1_000, keepAlive: 500 }

const app = Fastify({ logger: false, ...timeLimitOptions(LIMITS) })
installErrorHandler(app)
endIdleConnections(app, LIMITS)
app.post('/', async (request) => ({ got: request.body }))
app.get('/', async () => ({}))
let port: number
beforeAll(async () => {
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as { port: number }).port
})
afterAll(() => app.close())

const HEAD = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n'

/** A connection, and everything that came on it until the server ended it. */
function open(to = port): { socket: Socket; ended: Promise<string> } {
  const socket = connect(to, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))
  socket.on('error', () => {}) // written to after it ended
  return { socket, ended: new Promise((resolve) => socket.once('close', () => resolve(text))) }
}

/** Sends a byte now and then until the connection ends. */
function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 50)
  socket.once('close', () => clearInterval(timer))
}

const whole = (body: string) => `${HEAD}content-length: ${body.length}\r\n\r\n${body}`

describe.concurrent('a request that is slow to arrive ends at the limit', () => {
  it.each([
    ['nothing of its headers', '', undefined],
    ['the middle of its headers', HEAD, undefined],
    ['its headers, byte by byte', HEAD, 'x'],
    ['nothing of its body', `${HEAD}content-length: 9\r\n\r\n`, undefined],
    ['its body, byte by byte', `${HEAD}content-length: 9999\r\n\r\n`, ' '],
    ['its body, chunk by chunk', `${HEAD}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
  ])('when it has sent %s', async (_, start, more) => {
    const { socket, ended } = open()
    socket.write(start)
    if (more !== undefined) drip(socket, more)
    expect(await ended).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('also as the second one of a connection', async () => {
    const { socket, ended } = open()
    socket.write(whole('{}'))
    await new Promise((resolve) => socket.once('data', resolve))
    socket.write(`${HEAD}content-length: 9999\r\n\r\n`)
    drip(socket, ' ')
    expect(await ended).toMatch(/^HTTP\/1\.1 200 [^]*HTTP\/1\.1 408 /)
  })

  it('and so does a connection on which nothing but empty lines come', async () => {
    const { socket, ended } = open()
    socket.write(whole('{}'))
    await new Promise((resolve) => socket.once('data', resolve))
    drip(socket, '\r\n')
    expect(await ended).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('an answer', () => {
  it('may take longer than the limit: it is the request that has to arrive in time', async () => {
    const slow = Fastify(timeLimitOptions(LIMITS))
    endIdleConnections(slow, LIMITS)
    slow.get('/', async () => {
      // Two requests came after this one, and each of them was cut off, for it did not arrive in time.
      for (let times = 0; times < 2; times += 1) {
        const { socket, ended } = open((slow.server.address() as { port: number }).port)
        socket.write(HEAD)
        await ended
      }
      return 'at last'
    })
    const url = await slow.listen({ host: '127.0.0.1', port: 0 })
    expect(await (await fetch(url)).text()).toBe('at last')
    await slow.close()
  })
})

describe('a body that never comes', () => {
  it.each([
    ['was answered', '/refused', { request: 999_000, keepAlive: 999_000 }],
    ['waits for it', '/', { ...LIMITS, keepAlive: 999_000 }],
  ])('does not hold up the end of a server whose request %s', async (_, path, limits) => {
    const closing = Fastify({ ...timeLimitOptions(limits), forceCloseConnections: 'idle' })
    endOwedBodies(closing, limits)
    const hasCome = new Promise<void>((resolve) => {
      closing.addHook('onRequest', async (request, reply) => {
        resolve()
        return request.url === '/' ? undefined : reply.code(401).send()
      })
    })
    closing.post(path, async () => ({}))
    await closing.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect((closing.server.address() as { port: number }).port, '127.0.0.1')
    const answered = new Promise((resolve) => socket.once('data', resolve))
    const ended = new Promise((resolve) => socket.once('close', resolve).on('error', () => {}))
    socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n`)
    await (path === '/' ? hasCome : answered)
    await closing.close()
    await ended
  })
})
