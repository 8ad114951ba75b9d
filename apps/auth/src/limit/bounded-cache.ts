import { LRUCache } from 'lru-cache'

/** What was made lately for a text, within so many bytes. */
export interface BoundedCache<Value extends object | string> {
  get(key: string): Value | undefined
  /** May keep nothing: what is long costs too much room for what it saves. */
  set(key: string, value: Value): void
  delete(key: string): void
  /** What is kept, as it is counted. */
  readonly bytes: number
}

export interface BoundedCacheOptions<Value> {
  readonly maxBytes: number
  /** Of a value; its key is counted anyway. */
  bytesOf(value: Value): number
}

/** Bytes of an entry beside its texts. */
const ENTRY = 200
/** No entry takes more than this part of the room. */
const LARGEST_PART = 64

/** Texts of V8 take up to two bytes a character. */
export const bytesOfText = (text: string): number => 2 * text.length

/**
 * A cache whose keys are what a request says, and so as long as its sender likes: bounded in bytes, the least used leave
 * first. Keys are copied: a piece of a text keeps all of it in memory.
 */
export function createBoundedCache<Value extends object | string>({
  maxBytes,
  bytesOf,
}: BoundedCacheOptions<Value>): BoundedCache<Value> {
  const entries = new LRUCache<string, Value>({ maxSize: maxBytes, maxEntrySize: Math.ceil(maxBytes / LARGEST_PART) })
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      const size = ENTRY + bytesOfText(key) + bytesOf(value)
      if (size > maxBytes / LARGEST_PART || !key.isWellFormed()) return
      entries.set(Buffer.from(key).toString(), value, { size })
    },
    delete: (key) => void entries.delete(key),
    get bytes() {
      return entries.calculatedSize
    },
  }
}
