import type { Sealed as SealedValue } from '@ledgate/vault'
import { z } from 'zod'

/** Whole seconds since the epoch: the NumericDate of RFC 7519 §2 without its fraction. */
export const Seconds = z.int().nonnegative()

/** A duration in whole seconds. */
export const Duration = z.int().nonnegative()

/** Personal data under a data key of the vault: opaque to everything that does not hold the vault. */
export const Sealed = z.custom<SealedValue>((value) => typeof value === 'string' && value.startsWith('sealed.'))
export type Sealed = SealedValue

/** SHA-256 of a secret of 256 random bits, base64url. */
export const SecretHash = z.string().length(43)

/** 128 random bits in hexadecimal: the id of a grant, a session, a mail, a reservation. */
export const RandomId = z.string().regex(/^[0-9a-f]{32}$/)

/** The subject identifier of a user. It starts `u_`; a `client_id` never does. */
export const Sub = z.string().regex(/^u_[0-9a-f]{32}$/)

/** A number that rises at every event that ends tokens, and never falls. */
export const Epoch = z.int().nonnegative()
