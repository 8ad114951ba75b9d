/** Printable ASCII with a host, and nothing that URL parsers silently repair: no backslash, no space, no third slash. */
const URI = /^https?:\/\/(?!\/)[!#-;=?-[\]^-~]+$/i

const ESCAPE = /%[0-9A-Fa-f]{2}/g
/** RFC 3986 §2.3. */
const UNRESERVED = /^[A-Za-z0-9\-._~]$/
const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/

/** Decodes the escape of an unreserved character, and writes any other in upper case (RFC 3986 §6.2.2). */
function normalEscape(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
  return UNRESERVED.test(character) ? character : escape.toUpperCase()
}

/**
 * The form in which two `htu` are compared: without query and fragment, normalised by syntax and by scheme (RFC 9449 §4.3,
 * RFC 3986 §6.2.2 and §6.2.3). `undefined` for what is not an absolute `http` or `https` URI, or names a user.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { normalHtu } from '@ledgate/verifier/dpop'
 *
 * assert.equal(normalHtu('HTTPS://API.example:443/orders?page=2'), 'https://api.example/orders')
 * ```
 */
export function normalHtu(uri: string): string | undefined {
  const [bare = ''] = uri.split(/[?#]/, 1)
  if (!URI.test(bare) || BROKEN_ESCAPE.test(bare)) return undefined
  // Escapes first, since an escaped dot is a dot segment of the path.
  const normal = bare.replace(ESCAPE, normalEscape)
  if (!URL.canParse(normal)) return undefined
  const url = new URL(normal)
  if (url.username !== '' || url.password !== '') return undefined
  return url.origin + url.pathname
}
