import { z } from 'zod'
import { defineEvent, defineStream, type EventOf, Sealed, Seconds } from '../log/index.ts'

/** Where a user signed in: keyed hashes of address and agent, the newest first, sealed as one text. */
export const PlacesSeen = defineEvent('PlacesSeen', { places: Sealed })

export const placeEvents = [PlacesSeen] as const

/** `place-<sub>`. */
export const placeStream = defineStream('place', placeEvents)

/** Failed sign-ins of one account, thinned: `failures` counts all since the last success. */
export const LoginFailed = defineEvent('LoginFailed', { failures: z.int().positive(), reason: z.string() })
export const LoginDelayed = defineEvent('LoginDelayed', { failures: z.int().positive(), until: Seconds })
/** A success after failures, which it forgets. */
export const LoginSucceeded = defineEvent('LoginSucceeded', { after_failures: z.int().positive() })
/** Failures that would have been events, had there not been so many: at most one such event a minute. */
export const LoginFailuresWithheld = defineEvent('LoginFailuresWithheld', {
  failures: z.int().positive(),
  /** How many accounts they were at. */
  accounts: z.int().positive(),
  since: Seconds,
})

export const loginEvents = [LoginFailed, LoginDelayed, LoginSucceeded, LoginFailuresWithheld] as const
export type LoginEvent = EventOf<(typeof loginEvents)[number]>

/** `login-<sub>`; `login-all` has what was withheld of all. */
export const loginStream = defineStream('login', loginEvents)
