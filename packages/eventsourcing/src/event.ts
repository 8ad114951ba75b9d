import type { Position } from './position.ts'

/** A value that JSON preserves unchanged; events consist of these. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined }
export type JsonObject = { readonly [key: string]: Json | undefined }

/** An event that has not been appended yet. `id` is a UUID; the same id at the same revision is the same event. */
export interface NewEvent {
  readonly id: string
  readonly type: string
  readonly data: JsonObject
  readonly metadata: JsonObject
}

/** An event as the log stores it. `revision` counts from 0 within its stream; `created` is in milliseconds since the epoch. */
export interface RecordedEvent extends NewEvent {
  readonly stream: string
  readonly revision: bigint
  readonly position: Position
  readonly created: number
}
