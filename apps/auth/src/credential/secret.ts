import { z } from 'zod'
import { SecretHash, Seconds } from '../log/index.ts'

/** A secret of 256 random bits, or a configured one: only its hash is kept. `expires_at` 0 means never (RFC 7591 §3.2.1). */
export const Secret = z.strictObject({
  secret_id: z.string(),
  sha256: SecretHash,
  created_at: Seconds,
  expires_at: Seconds,
})
export type Secret = z.infer<typeof Secret>
