import type { MasterKeys } from './wrapping.ts'

/**
 * Secret bytes by name, outside the log, so that destroying them is possible: data keys of people, private signing
 * keys, derivation keys. Everything is wrapped by the master key at rest. Every write is durable before it resolves,
 * and never blocks the caller's thread on the disk.
 */
export interface KeyVault {
  /** `undefined` when there is none, or it was destroyed. */
  get(name: string): Promise<Uint8Array | undefined>
  /** Keeps `bytes` unless the name is taken; answers what is kept, so that two first starts agree on one key. */
  putIfAbsent(name: string, bytes: Uint8Array): Promise<Uint8Array>
  /** Removes the bytes from the disk for good. The name can be used again. Idempotent. */
  destroy(name: string): Promise<void>
  /**
   * From now on the first of these master keys wraps, and everything that another one wrapped is wrapped anew, while the
   * vault is used. Resolves when all of it is; again after it was cut off, it goes on.
   *
   * @returns how many were wrapped anew.
   * @throws {Error} when a value is wrapped by none of them.
   */
  rewrap(masterKeys: MasterKeys): Promise<number>
  close(): Promise<void>
}
