import type { Request } from 'express'
import type { HttpRequest } from '../request/index.ts'
import { fromNode } from './node-request.ts'

/** A request of Express; its `protocol` respects `trust proxy`. */
export function fromExpress(request: Request): HttpRequest {
  return {
    ...fromNode(request),
    target: request.originalUrl,
    isEncrypted: request.protocol === 'https',
    body: request.body,
    params: request.params,
  }
}
