import { normalHtu } from '../url/index.ts'

/** Why a path cannot be appended to a `publicUrl`; `undefined` if it can. */
function faultOf(url: URL | null): string | undefined {
  if (url === null) return 'is not a URL'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an https or http URL'
  if (url.username !== '' || url.password !== '') return 'contains a user'
  // Also an empty one, which `url.search` does not show.
  return /[?#]/.test(url.href) ? 'contains a query or a fragment' : undefined
}

/** URL parsers silently repair spaces, missing slashes and names that are not ASCII; the URL of a proof is compared as written. */
const isAsWritten = (publicUrl: string): boolean => normalHtu(`${publicUrl}/`) !== undefined

/**
 * The URL before the path of every request, without a slash at its end.
 *
 * @throws {TypeError} if a path cannot be appended: no proof would ever match.
 */
export function publicUrlOf(publicUrl: string | undefined): string | undefined {
  if (publicUrl === undefined) return undefined
  const fault = faultOf(typeof publicUrl === 'string' ? URL.parse(publicUrl) : null)
  if (fault !== undefined) throw new TypeError(`publicUrl ${fault}`)
  if (!isAsWritten(publicUrl)) throw new TypeError('publicUrl must be an ASCII URI (RFC 3986)')
  return publicUrl.replace(/\/+$/, '')
}
