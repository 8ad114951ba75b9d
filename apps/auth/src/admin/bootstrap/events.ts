import { z } from 'zod'
import { defineEvent, defineStream, type EventOf } from '../../log/index.ts'

/** An entry of the bootstrap file was applied, or what it asks for was there already: it is never applied again. */
export const BootstrapEntryApplied = defineEvent('BootstrapEntryApplied', {
  kind: z.enum(['user', 'client', 'resource']),
})

export const bootstrapEvents = [BootstrapEntryApplied] as const
export type BootstrapEvent = EventOf<(typeof bootstrapEvents)[number]>

/** An entry that was applied: `bootstrap-<hash>`. */
export const bootstrapStream = defineStream('bootstrap', bootstrapEvents)
