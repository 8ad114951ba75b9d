/** How many parts a compact JWS or JWE has: RFC 7515 §7.1, RFC 7516 §7.1. */
export const JWS_PARTS = 3
export const JWE_PARTS = 5

const LETTERS = /^[\w.-]*$/

/** What base64url may end with where so many letters are behind its last group of four: spare bits are all zero. */
const LAST: Readonly<Record<number, string>> = { 2: 'AQgw', 3: 'AEIMQUYcgkosw048' }

/** Whether letters of base64url without padding are its one spelling, RFC 7515 §2. */
function isCanonical(part: string): boolean {
  const behind = part.length % 4
  return behind === 0 || (LAST[behind]?.includes(part.slice(-1)) ?? false)
}

/**
 * Of how many parts a compact serialization is; 0 when it is none. Decoders forgive white space and odd spare bits, so that one
 * token would have any number of texts.
 */
export function partsOf(text: string): number {
  if (!LETTERS.test(text)) return 0
  const parts = text.split('.')
  return parts.every(isCanonical) ? parts.length : 0
}
