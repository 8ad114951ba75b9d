import { normalHtu } from '../url/index.ts'

/** What is wrong with a `publicUrl`; nothing where a path can be put behind it. */
function faultOf(url: URL | null): string | undefined {
  if (url === null) return 'is no URL'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'is not of the scheme https or http'
  if (url.username !== '' || url.password !== '') return 'names a user'
  // Also an empty one, which a URL does not show.
  return /[?#]/.test(url.href) ? 'has a query or a fragment' : undefined
}

/** A parser of URLs repairs in silence what no proof is compared with: a space, one slash, a name that is not ASCII. */
const isAsWritten = (publicUrl: string): boolean => normalHtu(`${publicUrl}/`) !== undefined

/**
 * What stands before the path of every request, without a slash at its end.
 *
 * @throws {TypeError} for what no path can be put behind: a proof would never be for it.
 */
export function publicUrlOf(publicUrl: string | undefined): string | undefined {
  if (publicUrl === undefined) return undefined
  const fault = faultOf(typeof publicUrl === 'string' ? URL.parse(publicUrl) : null)
  if (fault !== undefined) throw new TypeError(`publicUrl ${fault}`)
  if (!isAsWritten(publicUrl)) throw new TypeError('publicUrl is not written as a URI is (RFC 3986), in ASCII')
  return publicUrl.replace(/\/+$/, '')
}
