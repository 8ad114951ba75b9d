/** What a client says of itself in the Authorization header. */
export interface BasicCredentials {
  readonly clientId: string
  readonly clientSecret: string
}

const HEADER = /^basic +([A-Za-z0-9+/]+={0,2})$/i

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
  const decoded = Buffer.from(encoded, 'base64').toString()
  const colon = decoded.indexOf(':')
  if (colon < 0) return undefined
  try {
    return { clientId: decodePart(decoded.slice(0, colon)), clientSecret: decodePart(decoded.slice(colon + 1)) }
  } catch {
    return undefined // a percent sign that encodes nothing
  }
}

/** The header for these credentials. */
export function formatBasic({ clientId, clientSecret }: BasicCredentials): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')}`
}
