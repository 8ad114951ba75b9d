import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer, Recheck, Refusal } from '../request/index.ts'

/** Whether a response can still be sent: a timeout, for example, may have answered while the token was verified. */
export const canAnswer = ({ headersSent, writableEnded, destroyed }: ServerResponse): boolean =>
  !headersSent && !writableEnded && !destroyed

/** Sends a refusal, unless the request is answered already. */
export function answerBy(response: ServerResponse, { status, headers, body }: Answer): void {
  if (canAnswer(response)) response.writeHead(status, headers).end(body)
}

/** Whether there is a body that is not received yet. */
const isComing = ({ complete, headers, httpVersionMajor }: IncomingMessage): boolean =>
  !complete &&
  (httpVersionMajor > 1 || headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0)

/** Emits an error to the readers of the body; without a listener it would end the process. */
function fail(request: IncomingMessage, error: Error): void {
  if (request.listenerCount('error') > 0) request.emit('error', error)
}

/** Answers, and closes the connection, since its body is no longer read. */
function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal, answer: () => void): void {
  if (!canAnswer(response)) return fail(request, refusal.error)
  if (request.httpVersionMajor === 1) response.setHeader('connection', 'close')
  // The answer first, since a handler of the error may close the connection.
  response.once('close', () => fail(request, refusal.error))
  answer()
}

/**
 * Holds back the end of a body until its token was checked again. An upload may take minutes, and a handler that needs all of it does
 * not run before its end: if the token was revoked meanwhile, the request is refused, and readers of the body get an error instead
 * of its end.
 *
 * @param answer sends a refusal. Default: with the response itself.
 */
export function recheckAtEnd(
  request: IncomingMessage,
  response: ServerResponse,
  recheck: Recheck,
  answer: (answer: Answer) => void = (refused) => answerBy(response, refused),
): void {
  if (!isComing(request)) return
  const { push } = request

  function settle(refusal: Refusal | undefined): void {
    if (refusal === undefined) push.call(request, null)
    else refuse(request, response, refusal, () => answer(refusal.answer))
  }
  const giveUp = (error: unknown) => void request.destroy(error instanceof Error ? error : new Error(String(error)))

  request.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk !== null) return push.call(request, chunk, encoding)
    request.push = push
    // An answered request is not held back.
    if (response.writableEnded) return push.call(request, null)
    try {
      const refusal = recheck()
      if (refusal instanceof Promise) refusal.then(settle).catch(giveUp)
      else settle(refusal)
    } catch (error) {
      giveUp(error)
    }
    return false
  }
}
