import type { IncomingMessage } from 'node:http'
import type { HttpRequest } from '../request/index.ts'

/** All lines of a header: `headers` of Node keeps the first `Authorization` only and says nothing of another one. */
export const headerLines = (rawHeaders: readonly string[], name: string): string[] =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)

/** A request of Node's own server, also of HTTP/2's compatibility interface, which has `:authority` for `Host`. */
export function fromNode(request: IncomingMessage): HttpRequest {
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    isEncrypted: 'encrypted' in request.socket && request.socket.encrypted === true,
    header(name) {
      const lines = headerLines(request.rawHeaders, name)
      return lines.length === 0 && name === 'host' ? headerLines(request.rawHeaders, ':authority') : lines
    },
    raw: request,
  }
}
