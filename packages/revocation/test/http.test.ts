import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { eventParser } from '../src/http/server-sent-events.ts'
import { httpRevocations } from '../src/http/index.ts'
import { lineCutter } from '../src/http/lines.ts'
import type { FeedItem, OpenFeed } from '../src/feed/index.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

/** An issuer's feed that answers as a test says; what it was asked. */
async function issuer(answer: { readonly snapshot?: Answer; readonly stream?: Answer }) {
  const asked: string[] = []
  const authorizations = new Set<string | undefined>()
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    authorizations.add(request.headers.authorization)
    const found = request.url?.startsWith('/revocations/snapshot') ? answer.snapshot : answer.stream
    if (found === undefined) response.writeHead(404).end()
    else found(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return { url, asked, authorizations, credentials: { issuer: url, clientId: 'orders', clientSecret: 'a secret+%' } }
}

/** A message that looks like a statement; nothing here verifies it. */
const jwsOf = (claims: object) =>
  `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`

const event = (id: string, data: string) => `id: ${id}\nevent: notice\ndata: ${data}\n\n`

const nowhere = (signal = new AbortController().signal): OpenFeed => ({ cursor: undefined, after: undefined, signal })

async function read(items: AsyncIterable<readonly FeedItem[]>, most = Infinity): Promise<readonly FeedItem[]> {
  const all: FeedItem[] = []
  for await (const batch of items) {
    all.push(...batch)
    if (all.length >= most) break
  }
  return all
}

const streaming = (text: string): Answer => {
  return (_request, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)
}

describe('revocations over HTTP', () => {
  test('begin with a snapshot, and go on where it ends', async () => {
    const chunks = [0, 1].map((index) => jwsOf({ index, count: 2, through: '0007' }))
    const { url, asked, authorizations, credentials } = await issuer({
      snapshot: (_request, response) => response.writeHead(200).end(chunks.map((chunk) => `${chunk}\n`).join('')),
      stream: streaming(`: ledgate\n\n${event('0008', 'a.b.c')}`),
    })
    expect(await read(httpRevocations(credentials).open(nowhere()))).toEqual([
      { jws: chunks[0], cursor: '0007', isPart: true },
      { jws: chunks[1], cursor: '0007', isPart: true },
      { jws: 'a.b.c', cursor: '0008' },
    ])
    expect(asked).toEqual(['/revocations/snapshot', '/revocations/stream?after=0007'])
    expect([...authorizations]).toEqual([`Basic ${btoa('orders:a+secret%2B%25')}`])
    expect(url).toBe(credentials.issuer)
  })

  test('has every chunk of a snapshot, whatever ends its lines, and when nothing ends the last', async () => {
    const line = fc.record({
      text: fc.stringMatching(/^[a-zé€𝄞]{0,12}$/u),
      end: fc.constantFrom('\n', '\r\n', '\r', '\n\n'),
    })
    const cases = fc.record({
      lines: fc.array(line, { minLength: 1, maxLength: 5 }),
      isEnded: fc.boolean(),
      mark: fc.constantFrom('', '\uFEFF'),
      cuts: fc.array(fc.nat(400), { maxLength: 8 }),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ lines, isEnded, mark, cuts }) => {
        const chunks = lines.map(({ text }) => jwsOf({ text, through: '0007' }))
        const text = lines.map(({ end }, nth) => `${chunks[nth]}${end}`).join('')
        const bytes = Buffer.from(`${mark}${isEnded ? text : text.replace(/[\r\n]+$/, '')}`)
        const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length]
        const fetch = async (url: string | URL | Request) =>
          String(url).endsWith('/snapshot')
            ? new Response(
                ReadableStream.from(
                  places.slice(1).map((place, nth) => Uint8Array.from(bytes.subarray(places[nth], place))),
                ),
              )
            : new Response('')
        const source = httpRevocations({ issuer: 'https://id.test', clientId: 'orders', clientSecret: 'x', fetch })
        expect((await read(source.open(nowhere()))).map(({ jws }) => jws)).toEqual(chunks)
      }),
      { numRuns: 100 },
    )
  })

  test('are not whole when a snapshot stops in the middle of a line or of a character', async () => {
    for (const text of [
      `${jwsOf({ through: '0007' })}\n${jwsOf({ through: '0007' }).slice(0, 30)}`,
      `${jwsOf({ through: '0007' })}\n\u00e9`,
    ]) {
      const { credentials, asked } = await issuer({
        snapshot: (_request, response) =>
          response.writeHead(200).end(Buffer.from(text).subarray(0, Buffer.byteLength(text) - 1)),
        stream: streaming(event('0008', 'a.b.c')),
      })
      await expect(read(httpRevocations(credentials).open(nowhere()))).rejects.toThrow()
      expect(asked).toEqual(['/revocations/snapshot'])
    }
  })

  test('go on after the later of the places that are known', async () => {
    const { asked, credentials } = await issuer({ stream: streaming(event('0011', 'a.b.c')) })
    const { open } = httpRevocations(credentials)
    await read(open({ ...nowhere(), cursor: '0010', after: '0009' }))
    await read(open({ ...nowhere(), after: '0012' }))
    await read(open({ ...nowhere(), cursor: '0010', after: '0013' }))
    expect(asked).toEqual(['0010', '0012', '0013'].map((place) => `/revocations/stream?after=${place}`))
  })

  test.each([410, 400])(
    'begin with a snapshot again when the place is gone, or none of this log: %i',
    async (status) => {
      const chunk = jwsOf({ through: '0020' })
      const { asked, credentials } = await issuer({
        snapshot: (_request, response) => response.writeHead(200).end(`${chunk}\n`),
        stream: (request, response) =>
          request.url?.endsWith('=0001') === true
            ? response.writeHead(status).end('{"error":"gone"}')
            : streaming(event('0021', 'a.b.c'))(request, response),
      })
      const items = await read(httpRevocations(credentials).open({ ...nowhere(), after: '0001' }))
      expect(items.map(({ cursor }) => cursor)).toEqual(['0020', '0021'])
      expect(asked).toEqual([
        '/revocations/stream?after=0001',
        '/revocations/snapshot',
        '/revocations/stream?after=0020',
      ])
    },
  )

  test('are refused to wrong credentials, and say with which status', async () => {
    const { credentials } = await issuer({ snapshot: (_request, response) => response.writeHead(401).end() })
    await expect(read(httpRevocations(credentials).open(nowhere()))).rejects.toMatchObject({
      code: 'ERR_FEED_REFUSED',
      status: 401,
    })
  })

  test('end with an error when the connection breaks in the middle', async () => {
    const { credentials } = await issuer({
      stream(_request, response) {
        response.writeHead(200).write(event('0002', 'a.b.c'))
        setTimeout(() => response.destroy(), 50)
      },
    })
    const items = httpRevocations(credentials).open({ ...nowhere(), after: '0001' })
    const seen: FeedItem[] = []
    const reading = (async () => {
      for await (const batch of items) seen.push(...batch)
    })()
    await expect(reading).rejects.toThrow()
    expect(seen).toEqual([{ jws: 'a.b.c', cursor: '0002' }])
  })

  test.each(['an answer that never comes', 'a stream that says nothing more'])('stop at once: %s', async (what) => {
    const leave = new AbortController()
    const { credentials } = await issuer({
      stream(_request, response) {
        if (what.startsWith('a stream')) response.writeHead(200).write(': ledgate\n\n')
        setTimeout(() => leave.abort(), 100)
      },
    })
    const items = httpRevocations(credentials).open({ ...nowhere(leave.signal), after: '0001' })
    await read(items).catch((error: unknown) => expect(error).toMatchObject({ name: 'AbortError' }))
    expect(leave.signal.aborted).toBe(true)
  })

  test('hold no more of an endless line or event than one may have', async () => {
    const long = 'x'.repeat(100_000)
    for (const text of [
      `data: ${long}`,
      Array.from({ length: 10 }, () => `data: ${long.slice(0, 10_000)}\n`).join(''),
    ]) {
      const { credentials } = await issuer({ stream: streaming(text) })
      const reading = read(httpRevocations(credentials).open({ ...nowhere(), after: '0001' }))
      await expect(reading).rejects.toThrow(/longer than|more than/)
    }
  })

  test('are not asked for over http from another machine, unless that is said', () => {
    const secretless = { issuer: 'https://id.example.com', clientId: 'orders' }
    expect(() => httpRevocations(secretless)).toThrow(TypeError)
    const twice = { ...secretless, clientSecret: 'x', clientAssertion: async () => 'y' }
    expect(() => httpRevocations(twice)).toThrow(TypeError)
    const credentials = { issuer: 'http://id.example.com', clientId: 'orders', clientSecret: 'x' }
    expect(() => httpRevocations(credentials)).toThrow(TypeError)
    expect(httpRevocations({ ...credentials, allowInsecureRequests: true }).name).toBe('http')
    expect(httpRevocations({ ...credentials, issuer: 'https://id.example.com' }).name).toBe('http')
  })

  test.each(['https://ops:hunter2@id.test', 'https://hunter2@id.test', 'https://ops:hunter2@', 'hunter2'])(
    'are not taken out of a URL such as %s, and no error repeats it',
    (url) => {
      try {
        httpRevocations({ issuer: 'https://id.test', url, clientId: 'orders', clientSecret: 'x' })
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError)
        expect(JSON.stringify([String(error), error])).not.toContain('hunter2')
      }
    },
  )

  test('do not follow a redirect with the credentials', async () => {
    const other = await issuer({ stream: streaming(event('0002', 'a.b.c')) })
    const { credentials } = await issuer({
      stream: (_request, response) => response.writeHead(302, { location: `${other.url}/revocations/stream` }).end(),
    })
    await expect(read(httpRevocations(credentials).open({ ...nowhere(), after: '0001' }))).rejects.toThrow()
    expect(other.asked).toEqual([])
  })
})

describe('server-sent events', () => {
  const parsed = (parts: readonly string[]) => {
    const cut = lineCutter(10_000)
    const parse = eventParser(10_000)
    const lines = [...parts.flatMap((part) => cut.take(part)), ...cut.end()]
    return lines.flatMap((line) => parse(line) ?? [])
  }

  test('are the same however the bytes were cut, and whatever ends the lines', () => {
    const member = fc.string({ unit: fc.constantFrom('a', ':', ' ', 'é'), maxLength: 6 })
    const events = fc.array(
      fc.record({ id: member, event: member, data: fc.array(member, { minLength: 1, maxLength: 3 }) }),
    )
    const ends = fc.constantFrom('\n', '\r\n', '\r')
    fc.assert(
      fc.property(events, ends, fc.array(fc.nat(200)), (all, end, cuts) => {
        const text = all
          .map(({ id, event: name, data }) =>
            [`: c`, `id: ${id}`, `event: ${name}`, ...data.map((line) => `data: ${line}`), '', ''].join(end),
          )
          .join('')
        const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
        const parts = places.slice(1).map((place, index) => text.slice(places[index], place))
        expect(parsed(parts)).toEqual(
          all.map(({ id, event: name, data }) => ({ id, event: name || 'message', data: data.join('\n') })),
        )
      }),
    )
  })

  test('that were not ended are none, and the last id stays', () => {
    expect(parsed(['id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c'])).toEqual([
      { id: '1', event: 'message', data: 'a' },
      { id: '1', event: 'message', data: 'b' },
    ])
  })
})
