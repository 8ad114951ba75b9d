/**
 * Personal data as it is stored in the log and the read models: `sealed.<data key id>.<base64url of iv, ciphertext, tag>`,
 * AES-256-GCM with the data key's id and the field's name authenticated.
 */
export type Sealed = string & { readonly __brand: 'Sealed' }

/** The result of unsealing a value whose data key was destroyed. */
export const ERASED = Symbol('erased')

/** The data key was destroyed, so nothing can be sealed with it: its user was erased, or its purpose has ended. */
export class DataKeyDestroyed extends Error {
  constructor() {
    super('the data key does not exist')
    this.name = 'DataKeyDestroyed'
  }
}

export interface Sealer {
  /** Creates a data key, which is durable when it resolves, and returns its random id. */
  createDataKey(): Promise<string>
  /** @throws {DataKeyDestroyed} when the data key does not exist, or no longer exists. */
  seal(dataKey: string, field: string, plaintext: string): Promise<Sealed>
  /** @throws {Error} when the value was sealed for another field, or was changed. */
  unseal(sealed: Sealed, field: string): Promise<string | typeof ERASED>
  /** Lets all values sealed with the key read as erased: in this process at once, in others within 60 seconds. */
  destroyDataKey(dataKey: string): Promise<void>
}
