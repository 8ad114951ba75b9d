import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer, Recheck, Refusal } from '../request/index.ts'

/** Whether a response can say something still: somebody else, such as a time limit, may have answered while a token was looked at. */
export const canAnswer = ({ headersSent, writableEnded, destroyed }: ServerResponse): boolean =>
  !headersSent && !writableEnded && !destroyed

/** Answers who is not let through, if nobody has answered yet. */
export function answerBy(response: ServerResponse, { status, headers, body }: Answer): void {
  if (canAnswer(response)) response.writeHead(status, headers).end(body)
}

/** Whether there is a body, and it is not here yet. */
const isComing = ({ complete, headers, httpVersionMajor }: IncomingMessage): boolean =>
  !complete &&
  (httpVersionMajor > 1 || headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0)

/** That a body never came to its end, told to whoever reads it; to nobody it would end the process. */
function fail(request: IncomingMessage, error: Error): void {
  if (request.listenerCount('error') > 0) request.emit('error', error)
}

/** Answers, and closes a connection whose body nobody reads any more. */
function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal, answer: () => void): void {
  if (!canAnswer(response)) return fail(request, refusal.error)
  if (request.httpVersionMajor === 1) response.setHeader('connection', 'close')
  // First the answer, for whoever handles the error may end the connection.
  response.once('close', () => fail(request, refusal.error))
  answer()
}

/**
 * Holds the end of a body back until its token was looked at once more. An upload may take minutes, and no handler that wants all of it
 * is reached before its end: a token that ended meanwhile is refused, and whoever reads the body gets an error in place of its end.
 *
 * @param answer sends a refusal; by the response itself unless told.
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
    // Who has been answered is not held up.
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
