import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Guard } from '../guard/index.ts'
import { type Answer, createAuthenticator, type AuthOptions, type RequestVerifier } from '../request/index.ts'
import type { Principal } from '../principal/index.ts'
import { answerBy, fromNode, recheckAtEnd } from '../node-http/index.ts'

/** Guards the requests of a plain server of `node:http`. */
export interface NodeAuth {
  /**
   * Authenticates a request, or answers it with a refusal. When the body ends, the token is checked again: if it is no longer valid,
   * the request is refused, and readers of the body get an error. A second call for the same request checks again and uses no proof.
   *
   * @returns the principal; `undefined` if the request was answered with a refusal and nothing is left to do.
   */
  handle(request: IncomingMessage, response: ServerResponse, guard?: Guard): Promise<Principal | undefined>
  /**
   * The same for an `upgrade` event, before the WebSocket is opened.
   *
   * @returns the principal; `undefined` if the socket was answered with a refusal and ended.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, guard?: Guard): Promise<Principal | undefined>
}

/** An answer in HTTP/1.1, for a socket without a response object. */
function serialize({ status, headers, body }: Answer): string {
  const all = { ...headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n')
}

/** Answers, and does not wait for the client to end its half of the connection. */
function refuse(socket: Duplex, answer: Answer): void {
  socket.once('finish', () => socket.destroy())
  socket.end(serialize(answer))
}

/**
 * Guards for `node:http`, and for the requests that open a WebSocket.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createVerifier, guard } from '@ledgate/verifier'
 * import { nodeAuth } from '@ledgate/verifier/node'
 *
 * const verifier = createVerifier({ issuer: 'https://id.example', audience: 'https://api.example', revocations: false })
 * const auth = nodeAuth(verifier)
 * export const server = createServer(async (request, response) => {
 *   const principal = await auth.handle(request, response, guard.scopes('orders:read'))
 *   if (principal !== undefined) response.end(principal.sub)
 * })
 * ```
 */
export function nodeAuth(verifier: RequestVerifier, options?: AuthOptions): NodeAuth {
  const authenticate = createAuthenticator(verifier, options)
  return {
    async handle(request, response, guard) {
      const outcome = await authenticate(fromNode(request), request, guard)
      if (outcome.answer) answerBy(response, outcome.answer)
      else recheckAtEnd(request, response, outcome.recheck)
      return outcome.principal
    },
    async handleUpgrade(request, socket, guard) {
      // Until the WebSocket is open there is no other listener, and a client that disconnects must not end the process.
      const ignore = () => undefined
      socket.on('error', ignore)
      try {
        const { principal, answer } = await authenticate(fromNode(request), request, guard)
        if (answer) refuse(socket, answer)
        else socket.off('error', ignore)
        return principal
      } catch (error) {
        socket.destroy()
        throw error
      }
    },
  }
}
