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
  write(chunk: string): unknown
  end(): unknown
  destroy(): unknown
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

/** Ends with an event that says why. */
function endEvents(response: ResponseLike, code: string): void {
  response.write(`event: ended\ndata: ${JSON.stringify({ error: 'invalid_token', code })}\n\n`)
  response.end()
}

interface Cut {
  /** Ends in a way that the other side can understand. */
  end(code: string): void
  /** Ends without it. */
  destroy(): void
}

/** Ends a connection when a signal says so, and without its other side when that takes longer than the grace. */
function cutWhen(connection: WebSocketLike | ResponseLike, signal: AbortSignal, { end, destroy }: Cut): () => void {
  let grace: NodeJS.Timeout | undefined
  function cut() {
    grace = setTimeout(destroy, GRACE_MS).unref()
    end(codeOf(signal.reason))
  }
  function ended() {
    clearTimeout(grace)
    signal.removeEventListener('abort', cut)
  }
  connection.once('close', ended)
  if (signal.aborted) cut()
  else signal.addEventListener('abort', cut, { once: true })
  return () => {
    connection.off('close', ended)
    ended()
  }
}

/**
 * Cuts a long-lived connection off the moment that `verifier.watch(principal)` aborts. A WebSocket is closed with 4401 and
 * hears nothing from then on, and one whose client does not let go within a second is cut off all the same. A response breaks
 * off, so that half a download is not taken for the whole.
 *
 * @returns how to stop watching; it stops by itself when the connection ends.
 */
export function cutOff(connection: WebSocketLike | ResponseLike, signal: AbortSignal): () => void {
  if ('terminate' in connection)
    return cutWhen(connection, signal, {
      end: (code) => closeSocket(connection, code),
      destroy: () => connection.terminate(),
    })
  const destroy = () => void connection.destroy()
  return cutWhen(connection, signal, { end: destroy, destroy })
}

/**
 * As {@link cutOff}, for server-sent events: they end with an event `ended` that says why, and then the connection does. A
 * browser that connects again is refused with 401, and leaves it at that.
 */
export function cutOffEvents(response: ResponseLike, signal: AbortSignal): () => void {
  return cutWhen(response, signal, {
    end: (code) => endEvents(response, code),
    destroy: () => void response.destroy(),
  })
}
