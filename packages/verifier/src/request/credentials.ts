import { type Scheme, VerifierError } from '../error/index.ts'
import { hasTokenElsewhere, type HttpRequest } from './http-request.ts'

/** An access token and how it was presented. */
export interface Credentials {
  readonly scheme: Scheme
  readonly token: string
}

/** A scheme of ours anywhere in what may be several headers, joined as RFC 9110 §5.3 has it. */
const MENTIONED = /(?:^|,)\s*(?:bearer|dpop)(?=[\s,]|$)/i
/** RFC 6750 §2.1 and RFC 9449 §7.1: one scheme, in any letters, and one token68. */
const PRESENTED = /^(bearer|dpop) +([A-Za-z0-9\-._~+/]+=*)$/i

/**
 * The access token of a request: from its Authorization header, once, and from nowhere else. RFC 6750 §2.
 *
 * @throws {VerifierError} `missing_token`, or `invalid_request` when there is more than one or it is malformed.
 */
export function credentialsOf(request: HttpRequest): Credentials {
  if (hasTokenElsewhere(request)) throw new VerifierError('invalid_request', { detail: 'a token in the query or body' })
  const lines = request.header('authorization')
  // A Fetch API has joined several lines into one already, so that all are judged as if it had.
  const authorization = lines.join(', ').trim()
  if (!MENTIONED.test(authorization)) throw new VerifierError('missing_token')
  const [, scheme, token] = PRESENTED.exec(authorization) ?? []
  if (scheme === undefined || token === undefined)
    throw new VerifierError('invalid_request', { detail: 'not one scheme and one token' })
  return { scheme: scheme.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', token }
}
