import { createHmac } from 'node:crypto'
import { createBoundedCache, type BoundedCache, bytesOfText } from '../limit/index.ts'

/** A name that tells the same text again and nothing else, in hexadecimal: for the names of streams. */
export type KeyedHash = (text: string) => string

/** Bytes of the names that are asked for again and again, at every request. */
const REMEMBERED = 4 * 1024 * 1024

/** The memory of a `KeyedHash`. */
export const rememberedNames = (): BoundedCache<string> =>
  createBoundedCache({ maxBytes: REMEMBERED, bytesOf: bytesOfText })

/** @param key 32 bytes of the vault. */
export function keyedHash(key: Uint8Array, known: BoundedCache<string> = rememberedNames()): KeyedHash {
  return (text) => {
    const remembered = known.get(text)
    if (remembered !== undefined) return remembered
    const hash = createHmac('sha256', key).update(text).digest('hex')
    known.set(text, hash)
    return hash
  }
}
