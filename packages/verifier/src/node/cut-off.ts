import { VerifierError } from '../errors.ts'

/** The close code of a WebSocket whose token has ended: 4000 to 4999 are the application's (RFC 6455 §7.4.2). */
export const UNAUTHORIZED = 4401

/** A WebSocket as the package `ws` has it. */
export interface WebSocketLike {
  close(code: number, reason: string): void
  terminate(): void
  once(event: 'close', listener: () => void): unknown
  off(event: 'close', listener: () => void): unknown
  removeAllListeners(event: 'message'): unknown
}

/** A response that goes on and on: server-sent events, a download. */
export interface ResponseLike {
  readonly headersSent: boolean
  write(chunk: string): unknown
  end(): unknown
  destroy(): unknown
  getHeader(name: string): unknown
  once(event: 'close', listener: () => void): unknown
  off(event: 'close', listener: () => void): unknown
}

/** How long the other side may take to let go, in milliseconds. */
const GRACE_MS = 1_000

const codeOf = (reason: unknown): string => (reason instanceof VerifierError ? reason.code : 'invalid_token')

/** Stops listening and says why; a peer that does not answer is left without. */
function closeSocket(socket: WebSocketLike, code: string): void {
  // What comes between our close and theirs would be heard still, and the sender has no right to that any more.
  socket.removeAllListeners('message')
  socket.close(UNAUTHORIZED, code)
}

/** Ends a stream of events with one that says why, and anything else as broken: half a download is not a whole one. */
function endResponse(response: ResponseLike, code: string): void {
  const isEvents = String(response.getHeader('content-type') ?? '').startsWith('text/event-stream')
  if (!isEvents) return void response.destroy()
  response.write(`event: ended\ndata: ${JSON.stringify({ error: 'invalid_token', code })}\n\n`)
  response.end()
}

/**
 * Cuts a long-lived connection off the moment that `verifier.watch(principal)` aborts: a WebSocket is closed with 4401 and
 * hears nothing from then on, server-sent events end with an event `ended`, any other response breaks off. Who does not let
 * go within a second is cut off all the same.
 *
 * @returns how to stop watching; it stops by itself when the connection ends.
 */
export function cutOff(connection: WebSocketLike | ResponseLike, signal: AbortSignal): () => void {
  let grace: NodeJS.Timeout | undefined
  function cut() {
    const code = codeOf(signal.reason)
    const isSocket = 'terminate' in connection
    grace = setTimeout(() => (isSocket ? connection.terminate() : connection.destroy()), GRACE_MS)
    grace.unref()
    if (isSocket) closeSocket(connection, code)
    else endResponse(connection, code)
  }
  const ended = () => {
    clearTimeout(grace)
    signal.removeEventListener('abort', cut)
  }
  connection.once('close', ended)
  if (signal.aborted) cut()
  else signal.addEventListener('abort', cut, { once: true })
  return () => {
    connection.off('close', ended)
    signal.removeEventListener('abort', cut)
  }
}
