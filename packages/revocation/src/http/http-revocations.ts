import { decodeJwt } from 'jose'
import { z } from 'zod'
import type { FeedItem, OpenFeed, RevocationSource } from '../feed/index.ts'
import { LogPosition } from '../statement/index.ts'
import { FeedRefused } from './feed-refused.ts'
import { lineCutter } from './lines.ts'
import { eventParser } from './server-sent-events.ts'

export interface HttpRevocations {
  /** The issuer; the feed is below it. */
  readonly issuer: string
  /** Where the feed is, when it is not reached under the issuer's own name. */
  readonly url?: string | undefined
  /** Who the resource server is, and how it proves that: by its secret, or by keys of its own. */
  readonly clientId: string
  readonly clientSecret?: string | undefined
  /** Makes a new assertion for each request (`private_key_jwt`: RFC 7523 §2.2), for those without a secret. */
  readonly clientAssertion?: (() => Promise<string>) | undefined
  readonly fetch?: typeof fetch | undefined
  /** Sends the credentials over `http:` to other machines, too, where whoever is between reads them. */
  readonly allowInsecureRequests?: boolean | undefined
}

/** Characters of one chunk of a snapshot, and of one event. */
const MOST_OF_CHUNK = 4 * 1024 * 1024
const MOST_OF_EVENT = 64 * 1024
/** Of a member's name before its value. */
const NAME = 16

/** Gone, or the place of another log (400): the issuer's log may have moved to a store that counts otherwise. */
const PLACE_REFUSED: readonly number[] = [410, 400]

const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost']

/** Where the feed is. @throws {TypeError} when anybody on the way could read the credentials, or they are in the URL: `fetch` quotes it. */
function baseOf({ issuer, url = issuer, allowInsecureRequests = false }: HttpRevocations): string {
  const { protocol, hostname, username, password } = URL.parse(url) ?? {}
  if (hostname === undefined) throw new TypeError('the feed is not at a URL')
  if (username !== '' || password !== '')
    throw new TypeError('the feed is read with clientId: its URL holds no user and no password')
  if (protocol !== 'https:' && !allowInsecureRequests && !LOOPBACK.includes(hostname))
    throw new TypeError('the feed is not read over http: whoever is between would have the credentials')
  return url.replace(/\/$/, '')
}

/** Client credentials as RFC 6749 section 2.3.1 writes them. */
function basic(clientId: string, clientSecret: string): string {
  const encoded = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  return `Basic ${btoa(`${encoded(clientId)}:${encoded(clientSecret)}`)}`
}

interface Proof extends Pick<RequestInit, 'method' | 'body'> {
  readonly headers: Readonly<Record<string, string>>
}

/** How each request proves who makes it. @throws {TypeError} when it cannot, or could in two ways. */
function proofOf({ clientId, clientSecret, clientAssertion }: HttpRevocations): () => Promise<Proof> {
  if ((clientSecret === undefined) === (clientAssertion === undefined))
    throw new TypeError('the feed is read with clientSecret or with clientAssertion')
  if (clientAssertion === undefined) {
    const authorization = basic(clientId, clientSecret ?? '')
    return async () => ({ headers: { authorization } })
  }
  return async () => ({
    method: 'POST',
    headers: {},
    body: new URLSearchParams({
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await clientAssertion(),
    }),
  })
}

/** What a chunk says of itself. It is not verified here: a forged place is worth nothing, for its reader verifies. */
const Place = z.object({ through: LogPosition })

/** The later of two places. */
const later = (one: string | undefined, other: string | undefined): string | undefined =>
  one === undefined || (other !== undefined && other > one) ? other : one

/**
 * Each part as it comes, as lines; at the end also the last line, which needs no end of its own. Ends as soon as the signal is
 * aborted, whatever the connection does.
 *
 * @throws when the connection broke, or the text stops in the middle of a character: then nothing is known of its last line.
 */
async function* linesOf(response: Response, most: number, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  const leave = () => void reader.cancel(signal.reason).catch(() => undefined)
  signal.addEventListener('abort', leave, { once: true })
  const cut = lineCutter(most)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for (let part = await reader.read(); !part.done && !signal.aborted; part = await reader.read())
      yield cut.take(decoder.decode(part.value, { stream: true }))
    if (!signal.aborted) yield [...cut.take(decoder.decode()), ...cut.end()]
  } finally {
    signal.removeEventListener('abort', leave)
    leave()
  }
}

/**
 * The feed of an issuer over HTTP: a snapshot and what came after it, or what came after a place that is known already. When
 * the issuer does not keep what came after that place, it is a snapshot again.
 *
 * @throws {TypeError} when the credentials would be sent over `http:` to another machine, or there are none.
 */
export function httpRevocations(options: HttpRevocations): RevocationSource {
  const { fetch = globalThis.fetch } = options
  const base = baseOf(options)
  const proof = proofOf(options)

  async function get(path: string, accept: string, signal: AbortSignal): Promise<Response> {
    const { headers, ...proved } = await proof()
    return fetch(`${base}${path}`, { ...proved, headers: { ...headers, accept }, redirect: 'error', signal })
  }

  async function refuse(response: Response): Promise<never> {
    await response.body?.cancel().catch(() => undefined)
    throw new FeedRefused(response.status)
  }

  /** @returns the place from which the stream goes on. */
  async function* snapshot(signal: AbortSignal): AsyncGenerator<readonly FeedItem[], string> {
    const response = await get('/revocations/snapshot', 'application/jsonl', signal)
    if (response.status !== 200) return refuse(response)
    let through: string | undefined
    for await (const lines of linesOf(response, MOST_OF_CHUNK, signal)) {
      const items = lines
        .filter((line) => line !== '')
        .map((jws) => {
          const { through: cursor } = Place.parse(decodeJwt(jws))
          through = cursor
          return { jws, cursor, isPart: true } as const
        })
      if (items.length > 0) yield items
    }
    if (through === undefined) throw new Error('the snapshot was empty')
    return through
  }

  /** @returns whether the issuer keeps what came after the place. */
  async function* stream(after: string, signal: AbortSignal): AsyncGenerator<readonly FeedItem[], boolean> {
    const response = await get(`/revocations/stream?${new URLSearchParams({ after })}`, 'text/event-stream', signal)
    if (PLACE_REFUSED.includes(response.status)) {
      await response.body?.cancel().catch(() => undefined)
      return false
    }
    if (response.status !== 200) return refuse(response)
    const parse = eventParser(MOST_OF_EVENT)
    for await (const lines of linesOf(response, MOST_OF_EVENT + NAME, signal)) {
      const items = lines.flatMap((line) => {
        const event = parse(line)
        return event === undefined ? [] : [{ jws: event.data, cursor: event.id }]
      })
      if (items.length > 0) yield items
    }
    return true
  }

  async function* open({ cursor, after, signal }: OpenFeed): AsyncGenerator<readonly FeedItem[], void> {
    const place = later(cursor, after)
    if (place !== undefined && (yield* stream(place, signal))) return
    if (signal.aborted) return
    const through = yield* snapshot(signal)
    if (!signal.aborted && !(yield* stream(through, signal))) throw new FeedRefused(410)
  }

  return { name: 'http', open }
}
