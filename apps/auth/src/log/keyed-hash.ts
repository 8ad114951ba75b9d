import { createHmac } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** A name that tells the same text again and nothing else, in hexadecimal: for the names of streams. */
export type KeyedHash = (text: string) => string

/** Names that are asked for again and again, at every request. */
const REMEMBERED = 10_000

/** @param key 32 bytes of the vault. */
export function keyedHash(key: Uint8Array): KeyedHash {
  const known = new LRUCache<string, string>({ max: REMEMBERED })
  return (text) => {
    const remembered = known.get(text)
    if (remembered !== undefined) return remembered
    const hash = createHmac('sha256', key).update(text).digest('hex')
    known.set(text, hash)
    return hash
  }
}
