import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Secret } from './secret.ts'
import { isLiveSecret } from './secrets.decider.ts'

/** SHA-256 of a text, base64url: how secrets of 256 random bits are kept. */
export const sha256 = (text: string): string => hash('sha256', text, 'base64url')

/** An unguessable secret: 256 random bits, base64url. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

/** A secret as it is kept. `expires_at` 0 means never. */
export const hashSecret = (secret: string, secretId: string, now: number): Secret => ({
  secret_id: secretId,
  sha256: sha256(secret),
  created_at: now,
  expires_at: 0,
})

/** What an unknown client's secret is compared with, so that it takes as long. */
const nobody = hashSecret(newSecret(), '', 0)
const NOBODY: readonly Secret[] = [nobody]

/** Whether a presented secret is one of those that live; every one is looked at, in constant time. */
export function matches(presented: string, secrets: readonly Secret[], now: number): boolean {
  const given = Buffer.from(sha256(presented))
  let found = false
  for (const secret of secrets.length > 0 ? secrets : NOBODY) {
    const same = timingSafeEqual(given, Buffer.from(secret.sha256))
    if (same && secret !== nobody && isLiveSecret(secret, now)) found = true
  }
  return found
}
