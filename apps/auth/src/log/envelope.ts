import { z } from 'zod'
import type { Authority } from './authority.ts'
import { Sealed } from './value.ts'

/** Who did it. An operator acts at the command line, the system by itself. */
export const Actor = z.strictObject({
  type: z.enum(['anonymous', 'user', 'client', 'operator', 'system']),
  id: z.string(),
})
export type Actor = z.infer<typeof Actor>

/** An unauthenticated caller. */
export const ANONYMOUS: Actor = { type: 'anonymous', id: '' }

/** The source of a request as events keep it: a keyed hash of address and agent, and a text too coarse to name a user. */
export const KeptSource = z.strictObject({ hash: z.string(), text: z.string() })
export type KeptSource = z.infer<typeof KeptSource>

/** Where a request came from. */
export interface Source extends KeptSource {
  /** Keyed hash of the network alone, for limits: an agent can be made up anew for each request. Not kept by events. */
  readonly network?: string
}

/** What limits count a source by: its network, where that is known. */
export const networkOf = ({ hash, network = hash }: Source): string => network

/** The metadata of every event. `source` is sealed when the event is about a user. */
export const Envelope = z.object({
  schema: z.int().positive(),
  $correlationId: z.string(),
  $causationId: z.string(),
  actor: Actor,
  client_id: z.string().optional(),
  source: z.union([Sealed, KeptSource]).optional(),
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
  /** Asked right before each append; nothing can end the right of those who have none. */
  readonly authority?: Authority | undefined
}
