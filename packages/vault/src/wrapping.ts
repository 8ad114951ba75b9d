import { decrypt, encrypt } from './encryption.ts'

/** Master keys of 32 bytes: the first wraps, all of them unwrap. More than one while the master key is being rotated. */
export type MasterKeys = readonly [Uint8Array, ...Uint8Array[]]

/** Wraps and unwraps values with the master keys. */
export interface Wrapping {
  wrap(bytes: Uint8Array, name: string): Buffer
  /** @throws {Error} when it is wrapped with none of the keys, or was moved to another name or changed. */
  unwrap(wrapped: Uint8Array, name: string): Buffer
  /** Wraps the value with the first key; `undefined` when it is already. @throws {Error} as `unwrap`. */
  rewrap(wrapped: Uint8Array, name: string): Buffer | undefined
}

function tryDecrypt(key: Uint8Array, wrapped: Uint8Array, name: string): Buffer | undefined {
  try {
    return decrypt(key, wrapped, name)
  } catch {
    return undefined // wrapped with another key, or damaged
  }
}

export function createWrapping([newest, ...older]: MasterKeys): Wrapping {
  const unwrap = (wrapped: Uint8Array, name: string): Buffer => {
    for (const key of older) {
      const bytes = tryDecrypt(key, wrapped, name)
      if (bytes !== undefined) return bytes
    }
    return decrypt(newest, wrapped, name)
  }
  return {
    wrap: (bytes, name) => encrypt(newest, bytes, name),
    unwrap: (wrapped, name) => tryDecrypt(newest, wrapped, name) ?? unwrap(wrapped, name),
    rewrap: (wrapped, name) =>
      tryDecrypt(newest, wrapped, name) === undefined ? encrypt(newest, unwrap(wrapped, name), name) : undefined,
  }
}
