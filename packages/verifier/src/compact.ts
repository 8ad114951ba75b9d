/** How many parts a compact JWS or JWE has: RFC 7515 §7.1, RFC 7516 §7.1. */
export const JWS_PARTS = 3
export const JWE_PARTS = 5

const LETTERS = /^[\w-]*$/

/** What base64url may end with where so many letters are behind its last group of four: spare bits are all zero. */
const LAST: Readonly<Record<number, string>> = { 2: 'AQgw', 3: 'AEIMQUYcgkosw048' }

/** Whether it is base64url without padding, in its one spelling, RFC 7515 §2. */
function isCanonical(part: string): boolean {
  const behind = part.length % 4
  return LETTERS.test(part) && (behind === 0 || (LAST[behind]?.includes(part.slice(-1)) ?? false))
}

/**
 * The parts of a compact serialization; none when it is none. Decoders forgive white space and odd spare bits, so that one token
 * would have any number of texts.
 */
export function partsOf(text: string): readonly string[] {
  const parts = text.split('.')
  return parts.every(isCanonical) ? parts : []
}
