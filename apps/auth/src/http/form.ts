import { InvalidRequest } from '@ledgate/oauth'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** The only parameter that may come more than once: RFC 8707 §2. */
const REPEATABLE = new Set(['resource'])

/** Far more than any request needs, and far less than what hurts. */
const MAX_PARAMETERS = 100

/**
 * A form as RFC 6749 §3.2 reads it: a parameter without a value is omitted, a repeated one is an error.
 *
 * @throws {InvalidRequest} when a parameter is repeated, or there are too many.
 */
export function parseForm(body: string): Record<string, string | string[]> {
  const form: Record<string, string | string[]> = Object.create(null)
  const seen = new Set<string>()
  let count = 0
  for (const [name, value] of new URLSearchParams(body)) {
    if (++count > MAX_PARAMETERS) throw new InvalidRequest('there are too many parameters')
    if (seen.has(name) && !REPEATABLE.has(name)) throw new InvalidRequest('a parameter is repeated')
    seen.add(name)
    if (value === '') continue
    if (REPEATABLE.has(name)) form[name] = [...(form[name] ?? []), value]
    else form[name] = value
  }
  return form
}

/** Makes the routes of this scope take forms, as the OAuth endpoints do (RFC 6749 §3.2), and nothing else. */
export function formsOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  formsToo(app)
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(new InvalidRequest('the content type must be application/x-www-form-urlencoded'))
  })
}

/** Makes the routes of this scope take forms beside JSON. */
export function formsToo(app: FastifyInstance): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseForm(body.toString()))
    } catch (error) {
      done(error as InvalidRequest)
    }
  })
}

/** Whether the request is a form of a page. */
export const isForm = ({ headers }: FastifyRequest): boolean =>
  (headers['content-type'] ?? '').toLowerCase().startsWith('application/x-www-form-urlencoded')
