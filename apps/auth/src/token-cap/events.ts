import { z } from 'zod'
import { defineEvent, defineSingleStream, type EventOf } from '../log/index.ts'

/** No access token lived longer than so many seconds before, and some may from now on. The highest one holds for ever. */
export const TokenCapRaised = defineEvent('TokenCapRaised', { seconds: z.int().positive() })

export const tokenCapEvents = [TokenCapRaised] as const

export type TokenCapEvent = EventOf<(typeof tokenCapEvents)[number]>

export const TOKEN_CAP = defineSingleStream('token-cap', tokenCapEvents)
