import { z } from 'zod'
import { defineEvent, defineStream, type EventOf, Seconds } from '../log/index.ts'

/** A public key as in RFC 7517. */
export const PublicJwk = z.looseObject({ kty: z.string() })

/** One key of a keyring; the private part is in the vault under the same `kid`. */
export const Key = z.strictObject({
  kid: z.string(),
  alg: z.string(),
  status: z.enum(['standby', 'active', 'retiring', 'retired', 'compromised']),
  public_jwk: PublicJwk.optional(),
  generated_at: Seconds,
  activated_at: Seconds.nullable(),
  /** When it stopped signing. */
  superseded_at: Seconds.nullable(),
  retired_at: Seconds.nullable(),
})
export type Key = z.infer<typeof Key>

/** All keys of one use, newest last; every event of `keyring-<use>` carries it. */
export const KeyringState = z.strictObject({ keys: z.array(Key) })
export type KeyringState = z.infer<typeof KeyringState>

const keyring = KeyringState

export const KeyGenerated = defineEvent('KeyGenerated', { kid: z.string(), keyring })
export const KeyActivated = defineEvent('KeyActivated', { kid: z.string(), keyring })
export const KeyRetired = defineEvent('KeyRetired', { kid: z.string(), keyring })
export const KeyCompromised = defineEvent('KeyCompromised', { kid: z.string(), keyring })

export const keyringEvents = [KeyGenerated, KeyActivated, KeyRetired, KeyCompromised] as const
export type KeyringEvent = EventOf<(typeof keyringEvents)[number]>

/** The keys of one use: `keyring-<use>`. */
export const keyringStream = defineStream('keyring', keyringEvents)
