import { once } from 'node:events'
import { connect, createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VerifierError } from '../../src/error/verifier-error.ts'
import { cutOff, cutOffEvents, nodeAuth } from '../../src/node/index.ts'
import { stubVerifier } from '../adapters/stub-verifier.ts'

const { verifier, contexts } = stubVerifier()
const auth = nodeAuth(verifier)
// Its compatibility interface is that of HTTP/1, whatever the types say.
const server = createServer((request, response) => {
  const both = [request, response] as unknown as [IncomingMessage, ServerResponse]
  void auth.handle(...both).then((principal) => principal && response.end(`hello ${principal.sub}`))
})

beforeAll(() => once(server.listen(0, '127.0.0.1'), 'listening'))
afterAll(() => new Promise<unknown>((resolve) => server.close(resolve)))

async function send(headers: OutgoingHttpHeaders) {
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const stream = client.request({ ':path': '/orders', ...headers })
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  const body = await text(stream)
  client.close()
  return { status: answer[':status'], challenge: answer['www-authenticate'], body }
}

describe('a request by HTTP/2', () => {
  it('is let through, or refused, as one by HTTP/1', async () => {
    expect(await send({ authorization: 'Bearer good' })).toMatchObject({ status: 200, body: 'hello u_1' })
    expect(await send({})).toMatchObject({ status: 401, challenge: 'Bearer', body: '{}' })
    expect(await send({ authorization: 'Bearer token_revoked' })).toMatchObject({
      status: 401,
      challenge: expect.stringContaining('error="invalid_token"'),
    })
  })

  it('has the URL of its :authority', async () => {
    contexts.length = 0
    await send({ authorization: 'DPoP good', ':authority': 'api.example:8443' })
    expect(contexts[0]?.url).toBe('http://api.example:8443/orders')
  })
})

describe('a long response by HTTP/2', () => {
  /** Half of a response that a watch cuts off: by the interface that is like HTTP/1, or by the stream itself. */
  async function half(cut: typeof cutOffEvents, by: 'request' | 'stream') {
    const watch = new AbortController()
    const own = createServer()
    if (by === 'request')
      own.on('request', (_, response) => {
        response.writeHead(200).write('half')
        cut(response, watch.signal)
      })
    else
      own.on('stream', (stream) => {
        stream.respond({ ':status': 200 })
        stream.write('half')
        cut(stream, watch.signal)
      })
    await once(own.listen(0, '127.0.0.1'), 'listening')
    const client = connect(`http://127.0.0.1:${(own.address() as AddressInfo).port}`)
    const stream = client.request({ ':path': '/' })
    await once(stream, 'response')
    await once(stream, 'readable')
    const close = async () => {
      client.destroy()
      await new Promise((resolve) => own.close(resolve))
    }
    return { watch, stream, close }
  }

  it.each(['request', 'stream'] as const)('is reset, so that half of it is not taken for the whole: %s', async (by) => {
    const { watch, stream, close } = await half(cutOff, by)
    watch.abort(new VerifierError('token_revoked'))
    await expect(text(stream)).rejects.toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' })
    expect(stream.rstCode).not.toBe(0)
    await close()
  })

  it.each(['request', 'stream'] as const)('of events ends with one that says why: %s', async (by) => {
    const { watch, stream, close } = await half(cutOffEvents, by)
    watch.abort(new VerifierError('token_revoked'))
    expect(await text(stream)).toContain('event: ended\ndata: {"error":"invalid_token","code":"token_revoked"}')
    await close()
  })
})
