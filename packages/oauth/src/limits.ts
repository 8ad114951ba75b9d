/**
 * Characters of the largest access token that is issued, encrypted or not. Node and most proxies take 16 KiB of headers in
 * all: a quarter is left for the others.
 */
export const MAX_ACCESS_TOKEN = 12_288

/** Characters of the largest token that is looked at in a header. */
export const MAX_TOKEN_IN_HEADER = 16_384

/** Characters of the largest token that is looked at in a form, so whatever was ever issued can be ended; a body holds it and what proves a client. */
export const MAX_TOKEN_IN_FORM = 65_536

/**
 * Bytes of the roles and entitlements of one person together, as JSON: so many fit into a token that is encrypted, and leave room
 * for scope, audience and ids.
 */
export const MAX_AUTHORIZATION_BYTES = 3_072

/** Seconds of the longest lifetime: a hundred years, so that the sum with any time of today is a valid date. */
export const LONGEST_LIFETIME = 3_155_760_000

/** Bytes of the metadata of a client or resource server, as JSON: a quarter of an event, so that what ends it fits beside it. */
export const MAX_METADATA_BYTES = 16_384

/** Characters of the longest URI of a client that is registered. */
export const MAX_URI = 2_048

/**
 * Characters of the longest identifier of a resource server that is registered: a token for it has room for the most rights of a
 * person and a scope, also where it is encrypted.
 */
export const MAX_RESOURCE = 512

/** Characters of the longest scope token that is registered: a request and a token have room for many of them. */
export const MAX_SCOPE_TOKEN = 256

/** Characters of the longest `scope` of a request. */
export const MAX_SCOPE = 4_096

/** Bytes of a value as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length

interface Authorization {
  readonly roles: readonly string[]
  readonly entitlements: readonly string[]
}

const authorizationBytes = ({ roles, entitlements }: Authorization): number => jsonBytes([roles, entitlements])

/**
 * Whether a person may have these, together.
 *
 * @param kept what they have so far: an older version may have given them more, and no more than that is left to them.
 */
export const isFittingAuthorization = (rights: Authorization, kept?: Authorization): boolean =>
  authorizationBytes(rights) <= Math.max(MAX_AUTHORIZATION_BYTES, kept === undefined ? 0 : authorizationBytes(kept))
