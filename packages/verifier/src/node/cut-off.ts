import type { Http2Stream } from 'node:http2'
import { Socket } from 'node:net'
import { VerifierError } from '../error/index.ts'

/** The close code of a WebSocket whose token has ended: 4000 to 4999 are the application's (RFC 6455 §7.4.2). */
export const UNAUTHORIZED = 4401
/** The close code of one whose token may be good, but nobody can tell now: Try Again Later, of IANA's registry. */
export const TRY_AGAIN_LATER = 1013

/** A WebSocket as the package `ws` has it. */
export interface WebSocketLike {
  /** From 2 on it closes or is closed. */
  readonly readyState: number
  close(code: number, reason: string): void
  terminate(): void
  once(event: 'close', listener: () => void): unknown
  off(event: 'close', listener: () => void): unknown
  removeAllListeners(event: 'message'): unknown
}

/** A response that goes on and on: server-sent events, a download. By HTTP/1, or by HTTP/2 in either of its interfaces. */
export interface ResponseLike {
  /** Whether its connection is gone. */
  readonly destroyed?: boolean
  /** Whether its end was asked for, sent or not. */
  readonly writableEnded?: boolean
  /** Whether all of it was sent. */
  readonly writableFinished?: boolean
  write(chunk: string): unknown
  end(): unknown
  destroy(): unknown
  once(event: 'close', listener: () => void): unknown
  off(event: 'close', listener: () => void): unknown
}

/** How long the other side may take to let go, in milliseconds. */
const GRACE_MS = 1_000

/** Why a watch was aborted; by whoever made a signal of their own, for a reason of theirs. */
const refusalOf = (reason: unknown): VerifierError =>
  reason instanceof VerifierError ? reason : new VerifierError('invalid_token')

/** Stops listening and says why; a peer that does not answer is left without. */
function closeSocket(socket: WebSocketLike, { status, code }: VerifierError): void {
  // What comes between our close and theirs would be heard still, and the sender has no right to that any more.
  socket.removeAllListeners('message')
  socket.close(status === 503 ? TRY_AGAIN_LATER : UNAUTHORIZED, code)
}

/** Ends with an event that says why; what has ended, or is gone, takes no event any more. */
function endEvents(response: ResponseLike, { error, code }: VerifierError): void {
  if (isGone(response) || response.writableEnded === true) return
  response.write(`event: ended\ndata: ${JSON.stringify({ error, code })}\n\n`)
  response.end()
}

interface Cut {
  /** Ends in a way that the other side can understand. */
  end(refusal: VerifierError): void
  /** Ends without it. */
  destroy(): void
}

/** The stream of HTTP/2 behind a response, or the response itself where it is one. */
function http2StreamOf(response: ResponseLike): Http2Stream | undefined {
  const stream: unknown = 'stream' in response ? response.stream : response
  return isHttp2Stream(stream) ? stream : undefined
}

/** By what it can do: whoever serves HTTP/1 need not load HTTP/2. */
const isHttp2Stream = (stream: unknown): stream is Http2Stream =>
  typeof stream === 'object' && stream !== null && 'rstCode' in stream && 'destroy' in stream

const isGone = (response: ResponseLike): boolean =>
  response.destroyed === true || (http2StreamOf(response)?.destroyed ?? false)

/** Whether it has ended already, and says nothing of it any more: its client may have left while its token was verified. */
const isOver = (connection: WebSocketLike | ResponseLike): boolean =>
  'readyState' in connection ? connection.readyState >= 2 : isGone(connection) || connection.writableFinished === true

/** Whether nothing but the end of the connection says where the response ends, RFC 9112 §6.3: then a part looks like the whole. */
const endsWithConnection = (response: ResponseLike): boolean =>
  'chunkedEncoding' in response &&
  response.chunkedEncoding !== true &&
  'hasHeader' in response &&
  typeof response.hasHeader === 'function' &&
  response.hasHeader('content-length') !== true

/** Breaks off, in a way that no client takes for the end. */
function breakOff(response: ResponseLike): void {
  const stream = http2StreamOf(response)
  if (stream !== undefined) {
    // Its owner did not ask for the error that it has from now on.
    stream.on('error', () => {})
    // By an error it is reset (RFC 9113 §5.4.2, INTERNAL_ERROR). To close it, with whatever code, ends it in order first.
    return void stream.destroy(new Error('cut off'))
  }
  const socket: unknown = 'socket' in response ? response.socket : undefined
  // In TLS an end without its alert is none.
  if (endsWithConnection(response) && socket instanceof Socket && !('encrypted' in socket)) socket.resetAndDestroy()
  response.destroy()
}

/** Ends a connection when a signal says so, and without its other side when that takes longer than the grace. */
function cutWhen(connection: WebSocketLike | ResponseLike, signal: AbortSignal, { end, destroy }: Cut): () => void {
  let grace: NodeJS.Timeout | undefined
  function cut() {
    if (isOver(connection)) return
    grace = setTimeout(destroy, GRACE_MS).unref()
    end(refusalOf(signal.reason))
  }
  function ended() {
    clearTimeout(grace)
    signal.removeEventListener('abort', cut)
  }
  if (isOver(connection)) return () => {}
  connection.once('close', ended)
  if (signal.aborted) cut()
  else signal.addEventListener('abort', cut, { once: true })
  return () => {
    connection.off('close', ended)
    ended()
  }
}

/**
 * Cuts a long-lived connection off the moment that `verifier.watch(principal)` aborts. A WebSocket is closed with 4401 (1013
 * when nobody can tell now) and hears nothing from then on, and one whose client does not let go within a second is cut off all the same. A response breaks
 * off, so that half a download is not taken for the whole.
 *
 * @returns how to stop watching; it stops by itself when the connection ends.
 */
export function cutOff(connection: WebSocketLike | ResponseLike, signal: AbortSignal): () => void {
  if ('terminate' in connection)
    return cutWhen(connection, signal, {
      end: (refusal) => closeSocket(connection, refusal),
      destroy: () => connection.terminate(),
    })
  const reset = () => breakOff(connection)
  return cutWhen(connection, signal, { end: reset, destroy: reset })
}

/**
 * As {@link cutOff}, for server-sent events: they end with an event `ended` that says why, and then the connection does. A
 * browser that connects again is refused with 401, and leaves it at that.
 */
export function cutOffEvents(response: ResponseLike, signal: AbortSignal): () => void {
  return cutWhen(response, signal, {
    end: (refusal) => endEvents(response, refusal),
    destroy: () => breakOff(response),
  })
}
