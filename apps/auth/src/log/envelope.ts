import { z } from 'zod'
import { Sealed } from './value.ts'

/** Who did it. An operator acts at the command line, the system by itself. */
export const Actor = z.strictObject({
  type: z.enum(['anonymous', 'user', 'client', 'operator', 'system']),
  id: z.string(),
})
export type Actor = z.infer<typeof Actor>

/** Where a request came from: a keyed hash that tells the same source again, and a text too coarse to name a person. */
export const Source = z.strictObject({ hash: z.string(), text: z.string() })
export type Source = z.infer<typeof Source>

/** The metadata of every event. `source` is sealed when the event is about a person. */
export const Envelope = z.object({
  schema: z.int().positive(),
  $correlationId: z.string(),
  $causationId: z.string(),
  actor: Actor,
  client_id: z.string().optional(),
  source: z.union([Sealed, Source]).optional(),
  traceparent: z.string().optional(),
})
export type Envelope = z.infer<typeof Envelope>

/**
 * What a request or a process brings to everything it appends. `commandId` makes the ids of its events, so the same
 * command again is the same events again.
 */
export interface CommandContext {
  readonly commandId: string
  readonly correlationId: string
  readonly causationId: string
  readonly actor: Actor
  readonly clientId?: string | undefined
  readonly source?: Source | undefined
  readonly traceparent?: string | undefined
}
