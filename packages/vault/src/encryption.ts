import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'

/** NIST SP 800-38D: 96 random bits, new for every value. */
const IV_BYTES = 12
const TAG_BYTES = 16

/** Encrypts with AES-256-GCM, with `context` as additional authenticated data. Returns iv, ciphertext and tag, concatenated. */
export function encrypt(key: KeyObject | Uint8Array, plaintext: Uint8Array, context: string): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context))
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/**
 * Decrypts the result of `encrypt`.
 *
 * @throws {Error} when the key or the context is not the same, or any bit was changed.
 */
export function decrypt(key: KeyObject | Uint8Array, box: Uint8Array, context: string): Buffer {
  const iv = box.subarray(0, IV_BYTES)
  const tag = box.subarray(box.length - TAG_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(context)).setAuthTag(tag)
  return Buffer.concat([decipher.update(box.subarray(IV_BYTES, box.length - TAG_BYTES)), decipher.final()])
}
