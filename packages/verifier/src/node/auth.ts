import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Guard } from '../guard/index.ts'
import { type Answer, authenticating, type AuthOptions, type RequestVerifier } from '../request/index.ts'
import type { Principal } from '../principal/index.ts'
import { answerBy, fromNode, recheckAtEnd } from '../node-http/index.ts'

/** Guards the requests of a plain server of `node:http`. */
export interface NodeAuth {
  /**
   * The end of a body that is still coming passes only if the token is good then; otherwise the request is refused, and whoever reads
   * the body gets an error. Asked again for the same request, it looks again, and spends no proof.
   *
   * @returns who asks; `undefined` when the request was answered with a refusal and there is nothing left to do.
   */
  handle(request: IncomingMessage, response: ServerResponse, guard?: Guard): Promise<Principal | undefined>
  /**
   * The same for an `upgrade` event, before a WebSocket is there.
   *
   * @returns who asks; `undefined` when the socket was answered with a refusal and ended.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, guard?: Guard): Promise<Principal | undefined>
}

/** An answer in the words of HTTP/1.1, for a socket that has no response. */
function written({ status, headers, body }: Answer): string {
  const all = { ...headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n')
}

/** Answers, and does not wait for the client to end its half as well: nobody looks after this socket any more. */
function refuse(socket: Duplex, answer: Answer): void {
  socket.once('finish', () => socket.destroy())
  socket.end(written(answer))
}

/** Guards for `node:http`, and for the requests that open a WebSocket. */
export function nodeAuth(verifier: RequestVerifier, options?: AuthOptions): NodeAuth {
  const authenticate = authenticating(verifier, options)
  return {
    async handle(request, response, guard) {
      const outcome = await authenticate(fromNode(request), request, guard)
      if (outcome.answer) answerBy(response, outcome.answer)
      else recheckAtEnd(request, response, outcome.recheck)
      return outcome.principal
    },
    async handleUpgrade(request, socket, guard) {
      // Until there is a WebSocket, nobody else listens: a client that goes away must not end the process.
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
