import { sha256 } from '@ledgate/jws'
import { type Scope, SCOPES } from '../statement/index.ts'

/** 32-bit words of a digest. */
export const WORDS = 4

/** Bits of the last word that say the scope, so that one hash of a `sid` serves both of its scopes. */
const SCOPE_BITS = 0b1111

/** A name as its hash: the characters are bytes. */
export type HashedName = string

/** The SHA-256 of a name. `binary` is the quickest of all forms to get at: a Buffer costs more than the hash. */
export const hashed = (name: string): HashedName => sha256(name, 'binary')

const MOST_REMEMBERED = 512
/** Longer than any `client_id` or `kid` that is meant to be shared. */
const LONGEST_REMEMBERED = 256
const remembered = new Map<string, HashedName>()

/** The same, remembered: for names that many tokens share, such as clients and keys. */
export function hashedOnce(name: string): HashedName {
  if (name.length > LONGEST_REMEMBERED) return hashed(name)
  const known = remembered.get(name)
  if (known !== undefined) return known
  if (remembered.size >= MOST_REMEMBERED) remembered.clear()
  const made = hashed(name)
  remembered.set(name, made)
  return made
}

const wordAt = (name: HashedName, at: number): number =>
  (name.charCodeAt(at) << 24) |
  (name.charCodeAt(at + 1) << 16) |
  (name.charCodeAt(at + 2) << 8) |
  name.charCodeAt(at + 3)

/**
 * Writes what stands for a name in a scope: the first 128 bits of its SHA-256, of which the last four give way to the number of
 * the scope. To find two names that look the same takes 2^62 hashes, so an answer by digests is exact.
 *
 * @param words signed integers: a plain array of them costs less than a typed one where it is as short as a token's.
 */
export function writeDigest(name: HashedName, scope: Scope, words: Int32Array | number[], at: number): void {
  const last = WORDS - 1
  for (let word = 0; word < last; word += 1) words[at + word] = wordAt(name, word * 4)
  words[at + last] = (wordAt(name, last * 4) & ~SCOPE_BITS) | SCOPES.indexOf(scope)
}
