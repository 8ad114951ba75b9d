import { decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose'

/** How many parts a compact JWS or JWE has: RFC 7515 §7.1, RFC 7516 §7.1. */
const JWS_PARTS = 3
const JWE_PARTS = 5

const LETTERS = /^[\w-]*$/

/** What base64url may end with where so many letters are behind its last group of four: spare bits are all zero. */
const LAST: Readonly<Record<number, string>> = { 2: 'AQgw', 3: 'AEIMQUYcgkosw048' }

/** Whether it is base64url without padding, in its one spelling, RFC 7515 §2. */
function isCanonical(part: string): boolean {
  const behind = part.length % 4
  return LETTERS.test(part) && (behind === 0 || (LAST[behind]?.includes(part.slice(-1)) ?? false))
}

/**
 * The parts of a compact serialization that has so many. Decoders forgive white space and odd spare bits, so that one token would
 * have any number of texts.
 */
function partsOf(text: string, count: number): readonly string[] | undefined {
  const parts = text.split('.')
  return parts.length === count && parts.every(isCanonical) ? parts : undefined
}

/** Whether it is a compact JWE. */
export const isEncrypted = (text: string): boolean => partsOf(text, JWE_PARTS) !== undefined

/** A compact JWS taken apart. What it says is a stranger's word until its signature was looked at. */
export interface Jws {
  readonly header: ProtectedHeaderParameters
  /** What was signed. */
  readonly input: Uint8Array
  readonly signature: Uint8Array
  /** Read when they are asked for, once: those of a forgery need not be. @throws when they are no JSON, with pieces of them. */
  claims(): JWTPayload
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Takes apart what a JWT claims to be.
 *
 * @throws when it is not three parts in base64url, or the header is none; with pieces of it.
 */
export function readJws(text: string): Jws {
  const parts = partsOf(text, JWS_PARTS)
  if (parts === undefined) throw new TypeError('not a compact JWS')
  const [header = '', payload = '', signature = ''] = parts
  let claims: JWTPayload | undefined
  return {
    header: decodeProtectedHeader({ protected: header }),
    input: Buffer.from(text.slice(0, header.length + 1 + payload.length), 'latin1'),
    signature: Buffer.from(signature, 'base64url'),
    claims: () => (claims ??= JSON.parse(utf8.decode(Buffer.from(payload, 'base64url'))) as JWTPayload),
  }
}
