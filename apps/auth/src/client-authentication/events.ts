import { z } from 'zod'
import { defineEvent, defineStream, Seconds } from '../log/index.ts'

/** A `private_key_jwt` was used (`assertion-<hmac>`): its `jti` never works again. */
export const AssertionUsed = defineEvent('AssertionUsed', { client_id: z.string(), exp: Seconds })

export const assertionEvents = [AssertionUsed] as const

/** A used assertion: `assertion-<hmac>`. */
export const assertionStream = defineStream('assertion', assertionEvents)
