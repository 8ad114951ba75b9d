import { createHmac } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { createBoundedCache, type BoundedCache } from '../limit/index.ts'
import type { Actor, CommandContext, Source } from '../log/index.ts'
import { forwardedFor } from './forwarded.ts'
import { type Network, networkOfPeer, parseNetwork, trustedProxies } from './network.ts'

/** What the events of a request say about where they came from, and what its limits count. */
export interface RequestContext {
  /** Every call is a new command; the request's id ties them together. */
  of(request: FastifyRequest, actor: Actor, clientId?: string): CommandContext
  source(request: FastifyRequest): Source
  /** The user's, as a client says that proved itself: its own, unless it forwards one (RFC 7239). */
  forwardedSource(request: FastifyRequest): Source
}

export interface RequestContextOptions {
  /** 32 bytes of the vault, so that a hash of the log cannot be turned back by trying all addresses. */
  readonly key: Uint8Array
  readonly newCommandId: () => string
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  readonly proxies?: readonly string[]
  /** Where sources of requests that are alike are remembered. */
  readonly remembered?: BoundedCache<Source>
}

/** Bytes of the sources that are remembered: a request asks more than once, and senders come again. */
const REMEMBERED = 4 * 1024 * 1024
/** More than two hashes and a short text take. */
const SOURCE = 512

/** The memory of a `RequestContext`. */
export const createSourceMemory = (): BoundedCache<Source> =>
  createBoundedCache({ maxBytes: REMEMBERED, bytesOf: () => SOURCE })

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** The kind of program, too coarse to name a user: the first product token of the User-Agent. */
const coarseAgent = (agent: string): string => /^[A-Za-z0-9._-]{1,32}/.exec(agent)?.[0] ?? 'unknown'

/** A text of its own: a piece of a header keeps all of it in memory. */
const copied = (text: string): string => Buffer.from(text).toString()

/** The sources of requests, and what their events say of them. */
export function createRequestContext(options: RequestContextOptions): RequestContext {
  const { key, newCommandId, proxies = [], remembered = createSourceMemory() } = options
  const isTrusted = trustedProxies(proxies)
  const hashOf = (text: string) => createHmac('sha256', key).update(text).digest('base64url')

  function sourceAt(network: Network, request: FastifyRequest): Source {
    const agent = request.headers['user-agent'] ?? ''
    return {
      hash: hashOf(`${network.key} ${agent}`),
      network: hashOf(`network ${network.key}`),
      text: copied(`${network.text} ${coarseAgent(agent)}`),
    }
  }

  const networkOf = (request: FastifyRequest): Network =>
    networkOfPeer(request.socket.remoteAddress, request.headers['x-forwarded-for'], isTrusted)

  function source(request: FastifyRequest): Source {
    const { 'x-forwarded-for': hops = '', 'user-agent': agent = '' } = request.headers
    const asSeen = `${request.socket.remoteAddress}\n${String(hops)}\n${agent}`
    const known = remembered.get(asSeen)
    if (known !== undefined) return known
    const made = sourceAt(networkOf(request), request)
    remembered.set(asSeen, made)
    return made
  }

  return {
    source,
    forwardedSource(request) {
      const person = forwardedFor(request.headers['forwarded'])
      return sourceAt(parseNetwork(person ?? '') ?? networkOf(request), request)
    },
    of(request, actor, clientId) {
      const traceparent = request.headers['traceparent']
      return {
        commandId: newCommandId(),
        correlationId: request.id,
        causationId: request.id,
        actor,
        clientId,
        source: source(request),
        traceparent: typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined,
      }
    },
  }
}
