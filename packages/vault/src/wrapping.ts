import { decrypt, encrypt } from './encryption.ts'

/** 32 bytes each: the first wraps, and all of them unwrap. More than one while the master key is being replaced. */
export type MasterKeys = readonly [Uint8Array, ...Uint8Array[]]

/** The master keys at work. */
export interface Wrapping {
  wrap(bytes: Uint8Array, name: string): Buffer
  /** @throws {Error} when none of the keys wrapped it, or it was moved to another name or changed. */
  unwrap(wrapped: Uint8Array, name: string): Buffer
  /** Wrapped anew by the first key; `undefined` when it is already. @throws {Error} as `unwrap`. */
  rewrapped(wrapped: Uint8Array, name: string): Buffer | undefined
}

function opens(key: Uint8Array, wrapped: Uint8Array, name: string): Buffer | undefined {
  try {
    return decrypt(key, wrapped, name)
  } catch {
    return undefined // another key, or nobody's
  }
}

export function wrapping([newest, ...older]: MasterKeys): Wrapping {
  const unwrap = (wrapped: Uint8Array, name: string): Buffer => {
    for (const key of older) {
      const bytes = opens(key, wrapped, name)
      if (bytes !== undefined) return bytes
    }
    return decrypt(newest, wrapped, name)
  }
  return {
    wrap: (bytes, name) => encrypt(newest, bytes, name),
    unwrap: (wrapped, name) => opens(newest, wrapped, name) ?? unwrap(wrapped, name),
    rewrapped: (wrapped, name) =>
      opens(newest, wrapped, name) === undefined ? encrypt(newest, unwrap(wrapped, name), name) : undefined,
  }
}
