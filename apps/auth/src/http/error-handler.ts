import { Conflict, Unavailable, UnknownOutcome } from '@ledgate/eventsourcing'
import { InvalidRequest, OAuthError, TemporarilyUnavailable, TooManyRequests } from '@ledgate/oauth'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'

const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error && 'code' in error && 'statusCode' in error && typeof error.statusCode === 'number'

/** The names of the members that are wrong, never their values. */
function invalidMembers(error: { validation: { instancePath: string }[] }): string {
  const names = new Set(
    error.validation.map(({ instancePath }) => instancePath.replace(/^\//, '').replaceAll('/', '.')),
  )
  return [...names].filter((name) => name !== '').join(', ')
}

/** What Fastify itself refuses: a body it cannot read, too large, of a kind no route takes, a rate limit. */
function fromFastify(error: FastifyError): OAuthError | undefined {
  const status = error.statusCode ?? 500
  const detail = error.code // never the message: it may quote the body
  if (status === 429) return new TooManyRequests(detail)
  if (status === 413) return new OAuthError('invalid_request', 413, 'the request is too large', { detail })
  if (status === 415) return new OAuthError('invalid_request', 415, 'the content type is not supported', { detail })
  if (status >= 400 && status < 500) return new InvalidRequest('the request is malformed', { detail })
  if (status === 503) return new TemporarilyUnavailable(detail)
  return undefined
}

/** Any error as the answer it becomes: an attacker learns the registered code, the log learns why. */
export function toOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error
  if (error instanceof Unavailable)
    return new TemporarilyUnavailable('the event store is unavailable', { cause: error, retryAfter: error.retryAfter })
  if (error instanceof UnknownOutcome || error instanceof Conflict)
    return new TemporarilyUnavailable('the outcome of an append is still unknown', { cause: error })
  if (hasZodFastifySchemaValidationErrors(error)) {
    const names = invalidMembers(error)
    return new InvalidRequest(`a parameter is missing, repeated or malformed${names && `: ${names}`}`, { cause: error })
  }
  const refused = isFastifyError(error) ? fromFastify(error) : undefined
  return refused ?? new OAuthError('server_error', 500, 'internal server error', { cause: error })
}

function log(request: FastifyRequest, answer: OAuthError): void {
  const facts = { error: answer.error, detail: answer.detail, err: answer.cause }
  if (answer.status >= 500 && answer.status !== 503) request.log.error(facts, 'request failed')
  else if (answer.status === 503) request.log.warn(facts, 'temporarily unavailable')
  else request.log.info(facts, 'request rejected')
}

/** Answers every error of every route in one shape (RFC 6749 §5.2), never cached, and logs its cause. */
export function installErrorHandler(app: FastifyInstance): void {
  app.setErrorHandler((error, request: FastifyRequest, reply: FastifyReply) => {
    const answer = toOAuthError(error)
    log(request, answer)
    return reply
      .code(answer.status)
      .headers({ ...answer.headers, 'cache-control': 'no-store' })
      .send({ error: answer.error, error_description: answer.message })
  })
  app.setNotFoundHandler((_request, reply) =>
    reply
      .code(404)
      .header('cache-control', 'no-store')
      .send({ error: 'not_found', error_description: 'this path does not exist' }),
  )
}
