import type { IncomingMessage } from 'node:http'
import type { HttpRequest } from '../request/index.ts'

/** All lines of a header: `headers` of Node has only the first `Authorization`, even if there are several. */
export const headerLines = (rawHeaders: readonly string[], name: string): string[] =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)

/** A request of a Node server, also of its HTTP/2 compatibility API, which has `:authority` instead of `Host`. */
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
