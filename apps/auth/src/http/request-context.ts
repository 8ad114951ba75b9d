import { createHmac } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Actor, CommandContext, Source } from '../log/index.ts'
import { forwardedFor } from './forwarded.ts'

/** What the events of a request say about where they came from. */
export interface RequestContext {
  /** Every call is a new command; the request's id ties them together. */
  of(request: FastifyRequest, actor: Actor, clientId?: string): CommandContext
  source(request: FastifyRequest): Source
  /** The person's, as a client says that proved itself: its own, unless it forwards one (RFC 7239). */
  forwardedSource(request: FastifyRequest): Source
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** The kind of program, too coarse to name a person: the first product token of the User-Agent. */
const coarseAgent = (agent: string): string => /^[A-Za-z0-9._-]{1,32}/.exec(agent)?.[0] ?? 'unknown'

/** The network, not the host: /16 of IPv4, /32 of IPv6. */
const coarseAddress = (address: string): string =>
  address.includes(':')
    ? `${address.split(':').slice(0, 2).join(':')}::/32`
    : `${address.split('.').slice(0, 2).join('.')}.0.0/16`

/** @param key 32 bytes of the vault, so that a hash of the log cannot be turned back by trying all addresses. */
export function requestContext(key: Uint8Array, newCommandId: () => string): RequestContext {
  const sources = new LRUCache<string, Source>({ max: 10_000 })

  function sourceAt(address: string, request: FastifyRequest): Source {
    const agent = request.headers['user-agent'] ?? ''
    const seen = `${address} ${agent}`
    const known = sources.get(seen)
    if (known !== undefined) return known
    const hash = createHmac('sha256', key).update(seen).digest('base64url')
    const made = { hash, text: `${coarseAddress(address)} ${coarseAgent(agent)}` }
    sources.set(seen, made)
    return made
  }

  const source = (request: FastifyRequest): Source => sourceAt(request.ip, request)

  return {
    source,
    forwardedSource: (request) => sourceAt(forwardedFor(request.headers['forwarded']) ?? request.ip, request),
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
