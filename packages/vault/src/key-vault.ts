import type { MasterKeys } from './wrapping.ts'

/**
 * Stores secret bytes by name, outside the log, so that they can be destroyed: data keys of users, private signing keys,
 * derivation keys. All of them are wrapped with the master key at rest. Every write is durable when it resolves, and never
 * blocks the caller's thread on the disk.
 */
export interface KeyVault {
  /** `undefined` when the name is unused or its bytes were destroyed. */
  get(name: string): Promise<Uint8Array | undefined>
  /** Stores `bytes` unless the name is taken; returns the stored bytes, so that two concurrent first starts agree on one key. */
  putIfAbsent(name: string, bytes: Uint8Array): Promise<Uint8Array>
  /** Removes the bytes from the disk permanently. The name can be reused. Idempotent. */
  destroy(name: string): Promise<void>
  /**
   * Wraps new values with the first of these master keys, and rewraps all values that another one wrapped, while the vault is in
   * use. Resolves when all are rewrapped; after an interruption, call it again to continue.
   *
   * @returns the number of rewrapped values.
   * @throws {Error} when a value is wrapped with none of the keys.
   */
  rewrap(masterKeys: MasterKeys): Promise<number>
  close(): Promise<void>
}
