import type { RequestContext } from '../principal/index.ts'

/** A request in the form that all adapters share. */
export interface HttpRequest {
  readonly method: string
  /** Path and query as received, RFC 9112 §3.2. */
  readonly target: string
  readonly isEncrypted: boolean
  /** The values of all header lines with this name, which is in lower case. */
  header(name: string): readonly string[]
  /** The body, if it was parsed already. */
  readonly body?: unknown
  /** The path parameters of the router. */
  readonly params?: unknown
  /** The request of the framework, for guards. */
  readonly raw: unknown
}

/** A valid `Host`, RFC 9110 §7.2: with a slash in it, its sender could choose the URL. */
const HOST = /^(?:[A-Za-z0-9._~%!$&'()*+;=-]+|\[[A-Fa-f0-9:.]+\])(?::\d{1,5})?$/

function originOf(request: HttpRequest): string | undefined {
  const [host, ...others] = request.header('host')
  if (host === undefined || others.length > 0 || !HOST.test(host)) return undefined
  return `${request.isEncrypted ? 'https' : 'http'}://${host}`
}

/** Path and query, also of a target in absolute form (RFC 9112 §3.2.2). */
function pathOf(target: string): string {
  if (target.startsWith('/') || !URL.canParse(target)) return target
  const { pathname, search } = new URL(target)
  return pathname + search
}

/**
 * The URL of a request as its client sees it.
 *
 * @param publicUrl the URL before the path, if it is configured.
 * @returns `undefined` if it cannot be determined.
 */
export function urlOf(request: HttpRequest, publicUrl: string | undefined): string | undefined {
  const path = pathOf(request.target)
  const before = publicUrl ?? originOf(request)
  return before === undefined || !path.startsWith('/') ? undefined : before.replace(/\/+$/, '') + path
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** The path parameters with a single value. */
export function paramsOf({ params }: HttpRequest): NonNullable<RequestContext['params']> {
  if (!isRecord(params)) return {}
  return Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}

const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i

/** Whether a token is in the query or in a form, where logs and caches would store it. RFC 6750 §2.2 and §2.3. */
export function hasTokenElsewhere({ target, body, header }: HttpRequest): boolean {
  const query = target.indexOf('?')
  if (query >= 0 && new URLSearchParams(target.slice(query)).has('access_token')) return true
  return FORM.test(header('content-type')[0] ?? '') && isRecord(body) && Object.hasOwn(body, 'access_token')
}
