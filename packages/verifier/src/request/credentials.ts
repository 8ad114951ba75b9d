import { type Scheme, VerifierError } from '../error/index.ts'
import { hasTokenElsewhere, type HttpRequest } from './http-request.ts'

/** An access token and how it was presented. */
export interface Credentials {
  readonly scheme: Scheme
  readonly token: string
}

/** One of the two schemes anywhere in the header, or in several that were joined (RFC 9110 §5.3). */
const MENTIONED = /(?:^|,)\s*(?:bearer|dpop)(?=[\s,]|$)/i
/** RFC 6750 §2.1 and RFC 9449 §7.1: one scheme, in upper or lower case, and one token68. */
const PRESENTED = /^(bearer|dpop) +([A-Za-z0-9\-._~+/]+=*)$/i

/**
 * The access token of a request, which must be in the Authorization header, once, and nowhere else. RFC 6750 §2.
 *
 * @throws {VerifierError} `missing_token`, or `invalid_request` if there is more than one or it is malformed.
 */
export function credentialsOf(request: HttpRequest): Credentials {
  if (hasTokenElsewhere(request))
    throw new VerifierError('invalid_request', { detail: 'the query or the body contains an access token' })
  const lines = request.header('authorization')
  // The Fetch API joins several lines into one, so they are joined for all.
  const authorization = lines.join(', ').trim()
  if (!MENTIONED.test(authorization)) throw new VerifierError('missing_token')
  const [, scheme, token] = PRESENTED.exec(authorization) ?? []
  if (scheme === undefined || token === undefined)
    throw new VerifierError('invalid_request', { detail: 'the Authorization header is not one scheme and one token' })
  return { scheme: scheme.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', token }
}
