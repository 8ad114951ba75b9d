import { decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose'

/** The number of parts of a compact JWS or JWE: RFC 7515 §7.1, RFC 7516 §7.1. */
const JWS_PARTS = 3
const JWE_PARTS = 5

const LETTERS = /^[\w-]*$/

/** The valid last letters of base64url, by the number of letters after its last group of four: unused bits must be zero. */
const LAST: Readonly<Record<number, string>> = { 2: 'AQgw', 3: 'AEIMQUYcgkosw048' }

/** Whether a text is base64url without padding in its canonical encoding, RFC 7515 §2. */
function isCanonical(part: string): boolean {
  const behind = part.length % 4
  return LETTERS.test(part) && (behind === 0 || (LAST[behind]?.includes(part.slice(-1)) ?? false))
}

/**
 * Splits a compact serialization into so many parts; `undefined` when it is not one. Decoders accept white space and nonzero unused
 * bits, with which one token would have any number of texts.
 */
function partsOf(text: string, count: number): readonly string[] | undefined {
  const parts = text.split('.')
  return parts.length === count && parts.every(isCanonical) ? parts : undefined
}

/** Whether a text is a compact JWE. */
export const isEncrypted = (text: string): boolean => partsOf(text, JWE_PARTS) !== undefined

/** A parsed compact JWS. Its content is not trustworthy before its signature has been verified. */
export interface Jws {
  readonly header: ProtectedHeaderParameters
  /** The JWS signing input, RFC 7515 §2. */
  readonly input: Uint8Array
  readonly signature: Uint8Array
  /** Parsed on first use, so that a forged token costs no parsing. @throws when they are not JSON; the message may quote them. */
  claims(): JWTPayload
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Parses a compact JWS.
 *
 * @throws when it is not three parts in base64url, or the header is not valid; the message may quote it.
 */
export function parseJws(text: string): Jws {
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
