/** What a client says of itself in the Authorization header. */
export interface BasicCredentials {
  readonly clientId: string
  readonly clientSecret: string
}

const HEADER = /^basic +([A-Za-z0-9+/]+={0,2})$/i

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text behind base64 in its one spelling: padded, no stray bits, UTF-8. @throws {TypeError} when it is not that. */
function decodeBase64(encoded: string): string {
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) throw new TypeError('not base64')
  return utf8.decode(bytes)
}

/** RFC 6749 §2.3.1 sends both parts form-urlencoded inside Basic. */
const decodePart = (part: string): string => decodeURIComponent(part.replaceAll('+', ' '))

/**
 * The credentials of an `Authorization: Basic` header, RFC 6749 §2.3.1 over RFC 7617.
 *
 * @returns `undefined` when it is not one: another scheme, bad base64, no colon, bad encoding.
 */
export function parseBasic(header: string): BasicCredentials | undefined {
  const encoded = HEADER.exec(header)?.[1]
  if (encoded === undefined) return undefined
  try {
    const decoded = decodeBase64(encoded)
    const colon = decoded.indexOf(':')
    if (colon < 0) return undefined
    return { clientId: decodePart(decoded.slice(0, colon)), clientSecret: decodePart(decoded.slice(colon + 1)) }
  } catch {
    return undefined // no base64, no UTF-8, or a percent sign that encodes nothing
  }
}

/** The header for these credentials. */
export function formatBasic({ clientId, clientSecret }: BasicCredentials): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')}`
}
