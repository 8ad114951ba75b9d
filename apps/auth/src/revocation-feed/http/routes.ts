import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import type { Position } from '@ledgate/eventsourcing'
import { InvalidClient, InvalidRequest, OAuthError } from '@ledgate/oauth'
import type { Publication } from '@ledgate/revocation'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type ClientAuthentication, createCredentialCheck } from '../../client-authentication/index.ts'
import { ANONYMOUS, type Clock, type EventLog } from '../../log/index.ts'
import type { RequestContext } from '../../http/index.ts'
import { keySetRoute, type SigningKeys } from '../../signing-key/index.ts'
import type { RevocationFeed } from '../feed.ts'
import { PositionExpired } from '../position-expired.ts'
import { endStalled } from './stalled.ts'
import { TooSlow } from '../too-slow.ts'

export interface FeedRoutesOptions {
  readonly feed: Pick<RevocationFeed, 'follow' | 'keeps' | 'onCredentials'>
  readonly log: EventLog
  readonly clock: Clock
  readonly snapshots: { take(): Promise<AsyncGenerator<string, void>> }
  readonly feedKeys: Pick<SigningKeys, 'read' | 'maxAge'>
  readonly authentication: Pick<ClientAuthentication, 'clientOrResource'>
  readonly requests: RequestContext
  /** The place in the log that a text names. @throws {InvalidPosition} */
  parsePosition(text: string): Position
  /** Takes note that a resource server begins to read. @throws {TooManyRequests} */
  opened(clientId: string): void
  /** Aborted when the server stops: streams end at once. */
  readonly draining: AbortSignal
}

const Place = z.string().max(64).optional()
const StreamQuery = z.object({
  after: Place.meta({ description: 'the `id` of the last event seen, or `through` of a snapshot' }),
})
const StreamHeaders = z.object({ 'last-event-id': Place })

/** The notices of then are no longer kept: a snapshot says what still matters. */
const gone = () =>
  new OAuthError('gone', 410, 'the position is older than the retained notices: start from a snapshot', {
    detail: 'the position is too old',
  })

/** One message of a stream, as the HTML standard writes it. */
const messageOf = ({ position, kind, jws }: Publication): string => `id: ${position}\nevent: ${kind}\ndata: ${jws}\n\n`

/** Called once, when the reader has left or the server stops. */
function overOf(reply: FastifyReply, draining: AbortSignal): AbortSignal {
  const left = new AbortController()
  reply.raw.once('close', () => left.abort())
  return AbortSignal.any([left.signal, draining])
}

/** Milliseconds after which an open stream has noticed at the latest that the credentials it was opened with have ended. */
const STANDS_MS = 5_000

/**
 * Aborted when the credentials of a reader have ended: at once when this process hears of it, otherwise within
 * {@link STANDS_MS}. While the log cannot be read it is not known; then there are no heartbeats, either.
 */
function lapse(
  stands: () => Promise<boolean>,
  feed: Pick<RevocationFeed, 'onCredentials'>,
  over: AbortSignal,
): AbortSignal {
  const lapsed = new AbortController()
  const look = (): void =>
    void stands().then(
      (is) => void (is || lapsed.abort()),
      () => undefined,
    )
  const timer = setInterval(look, STANDS_MS)
  over.addEventListener('abort', () => clearInterval(timer), { once: true })
  feed.onCredentials(look, over)
  // What ended since the reader proved itself.
  look()
  return lapsed.signal
}

async function* messages(items: AsyncIterable<Publication>): AsyncGenerator<string, void> {
  yield ': ledgate\n\n' // at once, so that whatever is between sends the headers on
  try {
    for await (const item of items) {
      // Lets the answer to whoever revoked go out: that is one write, and these are as many as there are readers.
      await turn()
      yield messageOf(item)
    }
  } catch (error) {
    // The stream ends: whoever reads it restarts where it was.
    if (!(error instanceof PositionExpired || error instanceof TooSlow)) throw error
  }
}

async function* lines(chunks: AsyncGenerator<string, void>, draining: AbortSignal): AsyncGenerator<string, void> {
  for await (const chunk of chunks) {
    if (draining.aborted) throw new Error('the server is stopping') // not to be taken for a whole snapshot
    yield `${chunk}\n`
  }
}

/** What has ended, for resource servers: as it happens, and as it is. */
export const feedRoutes: FastifyPluginAsync<FeedRoutesOptions> = async (app, options) => {
  const { feed, snapshots, feedKeys, authentication, requests, parsePosition, opened, draining } = options
  keySetRoute(app, '/revocations/jwks', {
    keys: feedKeys,
    summary: 'The keys that check what is said of revocations (RFC 7517)',
  })

  /** Resource servers only: the feed is about the tokens of all users. @throws {InvalidClient | TooManyRequests} */
  async function admit(request: FastifyRequest): Promise<() => Promise<boolean>> {
    const { authorization } = request.headers
    // Credentials are never in a URL.
    const body = request.method === 'POST' ? ((request.body ?? {}) as Record<string, unknown>) : {}
    if (authorization === undefined && Object.keys(body).length === 0)
      throw new InvalidClient('the request has no credentials')
    const context = requests.of(request, ANONYMOUS)
    const endpoint = request.routeOptions.url ?? ''
    const caller = await authentication.clientOrResource({ authorization, body, endpoint, context })
    if (caller.kind !== 'resource') throw new InvalidClient('the client is not a resource server')
    opened(caller.resource.client_id)
    return createCredentialCheck(options, { authorization, body }, caller.resource)
  }

  /** @throws {InvalidRequest} when no log of this kind has such a place. */
  function placeOf(text: string | undefined): Position | undefined {
    try {
      return text === undefined ? undefined : parsePosition(text)
    } catch (error) {
      throw new InvalidRequest('the position is not one of this feed: start from a snapshot', { cause: error })
    }
  }

  // By POST for those who prove themselves by an assertion (RFC 7521 §4.2), which belongs into a form.
  for (const method of ['GET', 'POST'] as const) {
    app.route({
      method,
      url: '/revocations/stream',
      exposeHeadRoute: false,
      schema: {
        tags: ['revocations'],
        summary: 'What ends tokens, as it happens: signed statements as server-sent events',
        querystring: StreamQuery,
        headers: StreamHeaders,
      },
      async handler(request, reply) {
        const stands = await admit(request)
        const { after } = StreamQuery.parse(request.query)
        const place = placeOf(StreamHeaders.parse(request.headers)['last-event-id'] ?? after)
        if (place !== undefined && !(await feed.keeps(place))) throw gone()
        const over = overOf(reply, draining)
        const lapsed = lapse(stands, feed, over)
        endStalled(reply.raw, draining)
        return reply
          .headers({
            'content-type': 'text/event-stream',
            'cache-control': 'no-store',
            'x-accel-buffering': 'no',
          })
          .send(Readable.from(messages(feed.follow(place, AbortSignal.any([over, lapsed])))))
      },
    })

    app.route({
      method,
      url: '/revocations/snapshot',
      exposeHeadRoute: false,
      schema: {
        tags: ['revocations'],
        summary: 'Everything that has ended and still matters: signed chunks, one a line',
      },
      async handler(request, reply) {
        await admit(request)
        const chunks = await snapshots.take()
        endStalled(reply.raw, draining)
        return reply
          .headers({ 'content-type': 'application/jsonl', 'cache-control': 'no-store' })
          .send(Readable.from(lines(chunks, draining)))
      },
    })
  }
}
