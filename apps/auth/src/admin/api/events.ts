import { z } from 'zod'
import { defineEvent, defineStream, type EventOf } from '../../log/index.ts'

/**
 * An administrator asked for something (`audit-<yyyymmdd>`): to look, too, and also what was refused then. What it changed
 * has events of its own with the same `$correlationId`.
 */
export const AdministrationRequested = defineEvent('AdministrationRequested', {
  /** As the command line says it: `users disable`. */
  operation: z.string(),
  /** A `sub`, a `client_id` or a `kid`. */
  about: z.string().optional(),
})

export const administrationEvents = [AdministrationRequested] as const
export type AdministrationEvent = EventOf<(typeof administrationEvents)[number]>

/** What was asked of the administration API in a day: `audit-<day>`. */
export const administrationStream = defineStream('audit', administrationEvents)
