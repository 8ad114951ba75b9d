import { decodeJwt } from 'jose'
import { z } from 'zod'
import type { FeedItem, OpenFeed, RevocationSource } from '../feed/index.ts'
import { LogPosition } from '../statement/index.ts'
import { FeedRefused } from './feed-refused.ts'
import { lineCutter } from './lines.ts'
import { eventParser } from './server-sent-events.ts'

export interface HttpRevocations {
  /** The issuer; the feed is below its URL. */
  readonly issuer: string
  /** The base URL of the feed, if it is not the issuer. */
  readonly url?: string | undefined
  /** The credentials of the resource server: its secret, or `clientAssertion`. */
  readonly clientId: string
  readonly clientSecret?: string | undefined
  /** Signs a new assertion for each request (`private_key_jwt`: RFC 7523 §2.2), instead of a secret. */
  readonly clientAssertion?: (() => Promise<string>) | undefined
  readonly fetch?: typeof fetch | undefined
  /** Sends the credentials over `http:` to other machines, too, where anyone on the network path can read them. */
  readonly allowInsecureRequests?: boolean | undefined
}

/** Characters of one chunk of a snapshot, and of one event. */
const MOST_OF_CHUNK = 4 * 1024 * 1024
const MOST_OF_EVENT = 64 * 1024
/** Characters of the field name before the value. */
const NAME = 16

/** The position is no longer kept (410), or is one of another log (400): the issuer may have moved to another event store. */
const POSITION_REFUSED: readonly number[] = [410, 400]

const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost']

/** The base URL. @throws {TypeError} if it is not https, or contains credentials, which errors of `fetch` would quote. */
function baseOf({ issuer, url = issuer, allowInsecureRequests = false }: HttpRevocations): string {
  const { protocol, hostname, username, password } = URL.parse(url) ?? {}
  if (hostname === undefined) throw new TypeError('the URL of the feed is invalid')
  if (username !== '' || password !== '')
    throw new TypeError('the URL of the feed must not contain credentials: pass clientId and clientSecret')
  if (protocol !== 'https:' && !allowInsecureRequests && !LOOPBACK.includes(hostname))
    throw new TypeError('the URL of the feed must be https: http would expose the credentials')
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

/** The client authentication of each request. @throws {TypeError} unless there is exactly one kind of credentials. */
function proofOf({ clientId, clientSecret, clientAssertion }: HttpRevocations): () => Promise<Proof> {
  if ((clientSecret === undefined) === (clientAssertion === undefined))
    throw new TypeError('the feed needs either clientSecret or clientAssertion')
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

/** The position of a chunk. It is not verified here: a forged one has no effect, since the follower verifies the chunk. */
const Chunk = z.object({ through: LogPosition })

/** The later of two positions. */
const later = (one: string | undefined, other: string | undefined): string | undefined =>
  one === undefined || (other !== undefined && other > one) ? other : one

/**
 * The lines of a body, part by part; the last line need not have a line end. Ends as soon as the signal is aborted, whatever the
 * connection does.
 *
 * @throws if the connection breaks, or the text ends inside a character: its last line is then unknown.
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
 * Reads the feed of an issuer over HTTP: a snapshot and what follows it, or what follows a position that is known already. If the
 * issuer no longer keeps that position, it reads a snapshot again.
 *
 * @throws {TypeError} if the credentials would be sent over `http:` to another machine, or there are none.
 * @example
 * ```ts
 * import { createVerifier } from '@ledgate/verifier'
 * import { httpRevocations } from '@ledgate/verifier/http'
 *
 * const issuer = 'https://id.example'
 * export const verifier = createVerifier({
 *   issuer,
 *   audience: 'https://api.example',
 *   revocations: httpRevocations({ issuer, clientId: 'orders-api', clientSecret: String(process.env['CLIENT_SECRET']) }),
 * })
 * ```
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

  /** @returns the position at which the stream continues. */
  async function* snapshot(signal: AbortSignal): AsyncGenerator<readonly FeedItem[], string> {
    const response = await get('/revocations/snapshot', 'application/jsonl', signal)
    if (response.status !== 200) return refuse(response)
    let through: string | undefined
    for await (const lines of linesOf(response, MOST_OF_CHUNK, signal)) {
      const items = lines
        .filter((line) => line !== '')
        .map((jws) => {
          const { through: cursor } = Chunk.parse(decodeJwt(jws))
          through = cursor
          return { jws, cursor, isPart: true } as const
        })
      if (items.length > 0) yield items
    }
    if (through === undefined) throw new Error('the snapshot is empty')
    return through
  }

  /** @returns whether the issuer keeps what follows the position. */
  async function* stream(after: string, signal: AbortSignal): AsyncGenerator<readonly FeedItem[], boolean> {
    const response = await get(`/revocations/stream?${new URLSearchParams({ after })}`, 'text/event-stream', signal)
    if (POSITION_REFUSED.includes(response.status)) {
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
    const position = later(cursor, after)
    if (position !== undefined && (yield* stream(position, signal))) return
    if (signal.aborted) return
    const through = yield* snapshot(signal)
    if (!signal.aborted && !(yield* stream(through, signal))) throw new FeedRefused(410)
  }

  return { name: 'http', open }
}
