import type { RequestContext } from '../principal/index.ts'

/** A request as every framework can say it. */
export interface HttpRequest {
  readonly method: string
  /** Path and query as they came, RFC 9112 §3.2. */
  readonly target: string
  readonly isEncrypted: boolean
  /** The values of all header lines of this name, which is in small letters. */
  header(name: string): readonly string[]
  /** The body where it was parsed already. */
  readonly body?: unknown
  /** What a router took out of the path. */
  readonly params?: unknown
  /** The framework's own request, for guards. */
  readonly raw: unknown
}

/** What `Host` may be, RFC 9110 §7.2: a slash in it would make a URL of its sender's choice. */
const HOST = /^(?:[A-Za-z0-9._~%!$&'()*+;=-]+|\[[A-Fa-f0-9:.]+\])(?::\d{1,5})?$/

function originOf(request: HttpRequest): string | undefined {
  const [host, ...others] = request.header('host')
  if (host === undefined || others.length > 0 || !HOST.test(host)) return undefined
  return `${request.isEncrypted ? 'https' : 'http'}://${host}`
}

/** Path and query, also where a proxy was meant and the target is a whole URL (RFC 9112 §3.2.2). */
function pathOf(target: string): string {
  if (target.startsWith('/') || !URL.canParse(target)) return target
  const { pathname, search } = new URL(target)
  return pathname + search
}

/**
 * The URL of a request as its client sees it.
 *
 * @param publicUrl what stands before the path, where the Host header and the connection do not tell.
 * @returns `undefined` when it cannot be told.
 */
export function urlOf(request: HttpRequest, publicUrl: string | undefined): string | undefined {
  const path = pathOf(request.target)
  const before = publicUrl ?? originOf(request)
  return before === undefined || !path.startsWith('/') ? undefined : before.replace(/\/+$/, '') + path
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** The names a router found in the path, those that stand for one value. */
export function paramsOf({ params }: HttpRequest): NonNullable<RequestContext['params']> {
  if (!isRecord(params)) return {}
  return Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}

const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i

/** Whether a token is where a log or a cache would keep it: in the query, or in a form. RFC 6750 §2.2 and §2.3. */
export function hasTokenElsewhere({ target, body, header }: HttpRequest): boolean {
  const query = target.indexOf('?')
  if (query >= 0 && new URLSearchParams(target.slice(query)).has('access_token')) return true
  return FORM.test(header('content-type')[0] ?? '') && isRecord(body) && Object.hasOwn(body, 'access_token')
}
