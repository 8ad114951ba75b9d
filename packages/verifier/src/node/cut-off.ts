import type { Http2Stream } from 'node:http2'
import { Socket } from 'node:net'
import { VerifierError } from '../error/index.ts'

/**
 * The close code of a WebSocket whose token is no longer valid: 4000 to 4999 are for applications (RFC 6455 §7.4.2).
 *
 * @example
 * ```ts
 * import { UNAUTHORIZED } from '@ledgate/verifier/node'
 *
 * const socket = new WebSocket('wss://api.example/orders')
 * socket.addEventListener('close', ({ code }) => {
 *   if (code === UNAUTHORIZED) console.log('get a new token')
 * })
 * ```
 */
export const UNAUTHORIZED = 4401
/**
 * The close code if the token cannot be verified at the moment: Try Again Later, from the IANA registry.
 *
 * @example
 * ```ts
 * import { TRY_AGAIN_LATER } from '@ledgate/verifier/node'
 *
 * const socket = new WebSocket('wss://api.example/orders')
 * socket.addEventListener('close', ({ code }) => {
 *   if (code === TRY_AGAIN_LATER) console.log('reconnect later with the same token')
 * })
 * ```
 */
export const TRY_AGAIN_LATER = 1013

/** A WebSocket of the package `ws`. */
export interface WebSocketLike {
  /** 2 or more: closing or closed. */
  readonly readyState: number
  close(code: number, reason: string): void
  terminate(): void
  once(event: 'close', listener: () => void): unknown
  off(event: 'close', listener: () => void): unknown
  removeAllListeners(event: 'message'): unknown
}

/** A long-lived response, such as server-sent events or a download: of HTTP/1, or of either API for HTTP/2. */
export interface ResponseLike {
  /** Whether its connection is gone. */
  readonly destroyed?: boolean
  /** Whether `end` was called. */
  readonly writableEnded?: boolean
  /** Whether all of it was sent. */
  readonly writableFinished?: boolean
  write(chunk: string): unknown
  end(): unknown
  destroy(): unknown
  once(event: 'close', listener: () => void): unknown
  off(event: 'close', listener: () => void): unknown
}

/** Milliseconds that the peer has to close the connection. */
const GRACE_MS = 1_000

/** Why a signal aborted; a signal of another origin may have any reason. */
const refusalOf = (reason: unknown): VerifierError =>
  reason instanceof VerifierError ? reason : new VerifierError('invalid_token')

/** Stops receiving messages, and closes with the reason. */
function closeSocket(socket: WebSocketLike, { status, code }: VerifierError): void {
  // Messages that arrive before the peer closes must not be handled: the sender is no longer authorized.
  socket.removeAllListeners('message')
  socket.close(status === 503 ? TRY_AGAIN_LATER : UNAUTHORIZED, code)
}

/** Ends with an event that has the reason, unless the response has ended or its connection is gone. */
function endEvents(response: ResponseLike, { error, code }: VerifierError): void {
  if (isGone(response) || response.writableEnded === true) return
  response.write(`event: ended\ndata: ${JSON.stringify({ error, code })}\n\n`)
  response.end()
}

interface Cut {
  /** Ends the connection and tells the peer why. */
  end(refusal: VerifierError): void
  /** Ends the connection without the peer. */
  destroy(): void
}

/** The HTTP/2 stream of a response, or the response itself if it is one. */
function http2StreamOf(response: ResponseLike): Http2Stream | undefined {
  const stream: unknown = 'stream' in response ? response.stream : response
  return isHttp2Stream(stream) ? stream : undefined
}

/** By its members, so that servers of HTTP/1 need not load HTTP/2. */
const isHttp2Stream = (stream: unknown): stream is Http2Stream =>
  typeof stream === 'object' && stream !== null && 'rstCode' in stream && 'destroy' in stream

const isGone = (response: ResponseLike): boolean =>
  response.destroyed === true || (http2StreamOf(response)?.destroyed ?? false)

/** Whether it has ended already, without a further event: the client may have left while its token was verified. */
const isOver = (connection: WebSocketLike | ResponseLike): boolean =>
  'readyState' in connection ? connection.readyState >= 2 : isGone(connection) || connection.writableFinished === true

/** Whether the response is delimited by the end of the connection, RFC 9112 §6.3: a part then looks like the whole. */
const endsWithConnection = (response: ResponseLike): boolean =>
  'chunkedEncoding' in response &&
  response.chunkedEncoding !== true &&
  'hasHeader' in response &&
  typeof response.hasHeader === 'function' &&
  response.hasHeader('content-length') !== true

/** Breaks off so that no client mistakes it for the regular end. */
function breakOff(response: ResponseLike): void {
  const stream = http2StreamOf(response)
  if (stream !== undefined) {
    // The owner of the stream may have no listener for the error that follows.
    stream.on('error', () => {})
    // With an error the stream is reset (RFC 9113 §5.4.2, INTERNAL_ERROR); closing it, with any code, would end it regularly first.
    return void stream.destroy(new Error('cut off'))
  }
  const socket: unknown = 'socket' in response ? response.socket : undefined
  // In TLS an end without the close alert is recognized as an error.
  if (endsWithConnection(response) && socket instanceof Socket && !('encrypted' in socket)) socket.resetAndDestroy()
  response.destroy()
}

/** Ends a connection when the signal aborts, and without the peer if that takes longer than the grace period. */
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
 * Ends a long-lived connection when `verifier.watch(principal)` aborts. A WebSocket is closed with 4401 (1013 if the token cannot be
 * verified at the moment), receives no messages from then on, and is terminated if the client does not close it within a second. A
 * response is broken off, so that a partial download is not mistaken for the whole.
 *
 * @returns stops watching, which also stops when the connection ends.
 * @example
 * ```ts
 * import type { Principal, Verifier } from '@ledgate/verifier'
 * import { cutOff, type WebSocketLike } from '@ledgate/verifier/node'
 *
 * // Closes the connection once its token is no longer valid.
 * export const guardConnection = (connection: WebSocketLike, verifier: Verifier, principal: Principal): (() => void) =>
 *   cutOff(connection, verifier.watch(principal))
 * ```
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
 * Like {@link cutOff}, for server-sent events: the stream ends with an event `ended` that has the reason. A browser that reconnects
 * gets 401, and does not try again.
 *
 * @example
 * ```ts
 * import type { ServerResponse } from 'node:http'
 * import type { Principal, Verifier } from '@ledgate/verifier'
 * import { cutOffEvents } from '@ledgate/verifier/node'
 *
 * export function startEvents(response: ServerResponse, verifier: Verifier, principal: Principal): void {
 *   response.writeHead(200, { 'content-type': 'text/event-stream' })
 *   cutOffEvents(response, verifier.watch(principal))
 * }
 * ```
 */
export function cutOffEvents(response: ResponseLike, signal: AbortSignal): () => void {
  return cutWhen(response, signal, {
    end: (refusal) => endEvents(response, refusal),
    destroy: () => breakOff(response),
  })
}
