/**
 * Personal data as the log and the read models hold it: `sealed.<data key id>.<base64url of iv, ciphertext, tag>`,
 * AES-256-GCM with the data key's id and the field's name authenticated.
 */
export type Sealed = string & { readonly __brand: 'Sealed' }

/** What is read where a data key was destroyed. */
export const ERASED = Symbol('erased')

/** Nothing can be sealed under a data key that was destroyed: its subject was erased, or what it was for is over. */
export class DataKeyDestroyed extends Error {
  constructor() {
    super('the data key does not exist')
    this.name = 'DataKeyDestroyed'
  }
}

export interface Sealer {
  /** Makes a data key, durable before it resolves, and gives its random id. */
  createDataKey(): Promise<string>
  /** @throws {DataKeyDestroyed} when the data key does not exist (any more). */
  seal(dataKey: string, field: string, plaintext: string): Promise<Sealed>
  /** @throws {Error} when the value was made for another field or was changed. */
  unseal(sealed: Sealed, field: string): Promise<string | typeof ERASED>
  /** What was sealed under it reads as erased, here at once, in other processes within 60 seconds. */
  destroyDataKey(dataKey: string): Promise<void>
}
