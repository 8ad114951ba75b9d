/** Base64url without padding in its one spelling (RFC 7515 §2): nothing else between, and spare bits that are all zero. */
const PART = String.raw`(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?`
const COMPACT = new RegExp(String.raw`^${PART}(?:\.${PART})*$`)

/** How many parts a compact JWS or JWE has: RFC 7515 §7.1, RFC 7516 §7.1. */
export const JWS_PARTS = 3
export const JWE_PARTS = 5

/**
 * Of how many parts a compact serialization is; 0 when it is none. Decoders forgive white space and odd spare bits, so that one
 * token would have any number of texts.
 */
export const partsOf = (text: string): number => (COMPACT.test(text) ? text.split('.').length : 0)
