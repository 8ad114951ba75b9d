import type { JsonObject } from '@ledgate/eventsourcing'
import { z } from 'zod'

/** Turns the data of version n into the data of version n + 1. */
export type Upcaster = (data: JsonObject) => JsonObject

/** How the version before is still written by a release that is the first to read the newest one. */
export interface StillWriting {
  /** Turns the data of the newest version into that of the one before. */
  readonly downcast: (data: JsonObject) => JsonObject
}

/** What one type of event looks like, now and before. */
export interface EventDefinition<Type extends string = string, Data extends z.ZodType = z.ZodType> {
  readonly type: Type
  readonly data: Data
  /** The newest version that is read, which deciders and projections see. */
  readonly version: number
  /** Set while others may run that do not read the newest version yet. */
  readonly stillWriting: StillWriting | undefined
  /** `upcasters[n - 1]` reads version n as version n + 1. */
  readonly upcasters: readonly Upcaster[]
}

/** An event as deciders and projections see it. */
export type EventOf<Definition extends EventDefinition> =
  Definition extends EventDefinition<infer Type, infer Data>
    ? { readonly type: Type; readonly data: z.infer<Data> }
    : never

/**
 * Defines a type of event: its schema is its type. The version is one more than the number of upcasters, so that a new
 * shape cannot be written without a way to read the old one.
 *
 * A new version takes two releases: the first reads it and is `stillWriting` the one before, the second writes it, when
 * no one runs anything older than the first (docs/decisions/0010).
 */
export function defineEvent<const Type extends string, Shape extends z.ZodRawShape>(
  type: Type,
  shape: Shape,
  upcasters: readonly Upcaster[] = [],
  stillWriting?: StillWriting,
): EventDefinition<Type, z.ZodObject<Shape, z.core.$strict>> {
  return { type, data: z.strictObject(shape), version: upcasters.length + 1, upcasters, stillWriting }
}
