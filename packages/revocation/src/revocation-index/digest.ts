import { sha256 } from '@ledgate/jws'
import { type Scope, SCOPES } from '../statement/index.ts'

/** 32-bit words of a digest. */
export const WORDS = 4

/** Bits of the last word that hold the scope, so that one hash of a `sid` serves both of its scopes. */
const SCOPE_BITS = 0b1111

/** The hash of a name: each character is a byte. */
export type HashedName = string

/** The SHA-256 of a name. `binary` is the fastest form: a Buffer would cost more than the hash. */
export const hash = (name: string): HashedName => sha256(name, 'binary')

const MAX_CACHED = 512
/** Longer than any `client_id` or `kid` that many tokens share. */
const MAX_CACHED_LENGTH = 256
const cache = new Map<string, HashedName>()

/** The same, cached: for names that many tokens share, such as clients and keys. */
export function hashCached(name: string): HashedName {
  if (name.length > MAX_CACHED_LENGTH) return hash(name)
  const known = cache.get(name)
  if (known !== undefined) return known
  if (cache.size >= MAX_CACHED) cache.clear()
  const made = hash(name)
  cache.set(name, made)
  return made
}

const wordAt = (name: HashedName, at: number): number =>
  (name.charCodeAt(at) << 24) |
  (name.charCodeAt(at + 1) << 16) |
  (name.charCodeAt(at + 2) << 8) |
  name.charCodeAt(at + 3)

/**
 * Writes the digest of a name in a scope: the first 128 bits of its SHA-256, with the number of the scope in the last four. A
 * collision takes about 2^62 hashes, so an answer by digests is exact.
 *
 * @param words signed integers: a plain array costs less than a typed one for the few words of a token.
 */
export function writeDigest(name: HashedName, scope: Scope, words: Int32Array | number[], at: number): void {
  const last = WORDS - 1
  for (let word = 0; word < last; word += 1) words[at + word] = wordAt(name, word * 4)
  words[at + last] = (wordAt(name, last * 4) & ~SCOPE_BITS) | SCOPES.indexOf(scope)
}
