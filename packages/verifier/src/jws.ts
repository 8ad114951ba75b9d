import type { JWTPayload } from 'jose'

/** A compact JWS taken apart, RFC 7515 §7.1. What it says is a stranger's word until its signature was checked. */
export interface Jws {
  readonly header: Readonly<Record<string, unknown>>
  /** Read when they are asked for: most forgeries need not be. @throws when they are none, with pieces of them in the message. */
  claims(): JWTPayload
  /** What was signed. */
  readonly input: Uint8Array
  readonly signature: Uint8Array
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @throws when it is no JSON object, with pieces of it in the message. */
function objectIn(part: string): Record<string, unknown> {
  const value: unknown = JSON.parse(utf8.decode(Buffer.from(part, 'base64url')))
  if (!isObject(value)) throw new TypeError('no JSON object')
  return value
}

/**
 * @param token three parts in base64url, in its one spelling: it is not looked for here.
 * @throws when the header is none, with pieces of it in the message.
 */
export function readJws(token: string): Jws {
  const [header = '', claims = '', signature = ''] = token.split('.')
  return {
    header: objectIn(header),
    claims: () => objectIn(claims),
    input: Buffer.from(token.slice(0, token.lastIndexOf('.')), 'latin1'),
    signature: Buffer.from(signature, 'base64url'),
  }
}
