import type { FastifyRequest } from 'fastify'
import type { HttpRequest } from '../request/index.ts'
import { fromNode } from './node-request.ts'

/** A request of Fastify; its `protocol` respects `trustProxy`. */
export function fromFastify(request: FastifyRequest): HttpRequest {
  return {
    ...fromNode(request.raw),
    target: request.originalUrl,
    isEncrypted: request.protocol === 'https',
    body: request.body,
    params: request.params,
    raw: request,
  }
}
