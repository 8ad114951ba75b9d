import { hash } from 'node:crypto'
import { type Scope, SCOPES } from './notice.ts'

/** 32-bit words of a digest. */
export const WORDS = 4

/** Bits of the last word that say the scope, so that one hash of a `sid` serves both of its scopes. */
const SCOPE_BITS = 0b1111

/** A name as its hash: the characters are bytes. */
export type HashedName = string

/** The SHA-256 of a name. `binary` is the quickest of all forms to get at: a Buffer costs more than the hash. */
export const hashed = (name: string): HashedName => hash('sha256', name, 'binary')

const MOST_REMEMBERED = 512
const remembered = new Map<string, HashedName>()

/** The same, remembered: for names that many tokens share, such as clients and keys. */
export function hashedOnce(name: string): HashedName {
  const known = remembered.get(name)
  if (known !== undefined) return known
  if (remembered.size >= MOST_REMEMBERED) remembered.clear()
  const made = hashed(name)
  remembered.set(name, made)
  return made
}

const byteAt = (name: HashedName, at: number): number => name.charCodeAt(at) << ((3 - (at % 4)) * 8)

/**
 * Writes what stands for a name in each of these scopes, one after another: the first 128 bits of its SHA-256, of which the
 * last four give way to the number of the scope. To find two names that look the same takes 2^62 hashes, so an answer by
 * digests is exact.
 */
export function writeDigests(name: HashedName, scopes: readonly Scope[], words: Uint32Array, at: number): void {
  for (const [nth, scope] of scopes.entries()) {
    const start = at + nth * WORDS
    for (let word = 0; word < WORDS; word += 1) {
      const first = word * 4
      words[start + word] =
        byteAt(name, first) | byteAt(name, first + 1) | byteAt(name, first + 2) | byteAt(name, first + 3)
    }
    const last = words[start + WORDS - 1] ?? 0
    words[start + WORDS - 1] = (last & ~SCOPE_BITS) | SCOPES.indexOf(scope)
  }
}
