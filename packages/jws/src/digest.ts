import { createHmac, hash, timingSafeEqual } from 'node:crypto'

/** The SHA-256 of a text, at once. `binary` (a byte for each character) costs the least. */
export const sha256 = (text: string, encoding: 'base64url' | 'binary' = 'base64url'): string =>
  hash('sha256', text, encoding)

/** The HMAC-SHA-256 of a text, in base64url. */
export const hmacSha256 = (secret: Uint8Array, text: string): string =>
  createHmac('sha256', secret).update(text).digest('base64url')

/** Whether two texts are the same, in a time that does not tell where they differ. */
export function isSameSecret(one: string, other: string): boolean {
  const [bytes, otherBytes] = [Buffer.from(one), Buffer.from(other)]
  return bytes.length === otherBytes.length && timingSafeEqual(bytes, otherBytes)
}
