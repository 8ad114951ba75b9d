import type { EventStore } from './event-store.ts'
import type { RecordedEvent } from './event.ts'
import type { Position } from './position.ts'

/** The value of a cell in a read model. */
export type SqlValue = string | number | bigint | Uint8Array | null

/** A prepared statement. */
export interface SqlStatement {
  run(...values: readonly SqlValue[]): unknown
  /** The first row; `undefined` when there is none. */
  get(...values: readonly SqlValue[]): unknown
}

/** The database that the handlers of a projection write to. */
export interface SqlDatabase {
  prepare(sql: string): SqlStatement
}

/** Queries on the tables of all projections, by the names in their schemas. Never waits for writers. */
export interface ViewReader {
  get(sql: string, ...values: readonly SqlValue[]): unknown
  all(sql: string, ...values: readonly SqlValue[]): readonly unknown[]
  /** Lets all queries in `read` see the same state; also cheaper than the same queries one by one. */
  snapshot<Result>(read: () => Result): Result
  close(): void
}

/** Maps the name of a table or index in the schema of a projection to its name in the current build. */
export type TableName = (table: string) => string

/**
 * A view of the log: the schema of its tables and how each event changes them. The tables depend on the log alone (no clock, no
 * randomness), so that a rebuilt view equals the live one. A changed view is a new `version`: it is built beside the old one
 * and replaces it when it has caught up.
 *
 * @typeParam Event every event that the projection may receive, distinguished by `type`
 */
export interface Projection<Event extends { readonly type: string }> {
  readonly name: string
  readonly version: number
  /** The oldest version whose tables the current queries can read while this one is built; default: any. */
  readonly oldestReadable?: number
  /** SQL that creates the tables, each with a primary key. */
  schema(table: TableName): string
  /** The categories of streams that the handlers need; default: all. */
  readonly categories?: readonly string[]
  /** Creates the handlers. Called again after every rollback, so that their state matches what was committed. */
  prepare(database: SqlDatabase, table: TableName): ProjectionHandlers<Event>
}

/** How each event changes the tables. A handler that throws stops its projection at that event. */
export interface ProjectionHandlers<Event extends { readonly type: string }> {
  readonly on?: { readonly [Type in Event['type']]?: 'ignored' | ((event: Extract<Event, { type: Type }>) => void) }
  /** Called for every event of the categories; `event` is `undefined` when its type is unknown (from a newer version). */
  every?(recorded: RecordedEvent, event: Event | undefined): void
  /** Called before each commit: writes what the handlers have buffered. */
  flush?(): void
}

/** The part of an event store that projections read. */
export interface EventReader extends Pick<EventStore, 'readAll' | 'subscribe' | 'head' | 'parsePosition'> {
  /** Looks for new events now rather than at the next poll, because a reader waits for them. */
  wake?(): void
}

/** The positions of process managers in the log, as texts; the store parses them ({@link keptPosition}). */
export interface Checkpoints {
  /** The text that was saved last under the name; empty if there is none. */
  load(name: string): Promise<string>
  /** Durable before it resolves. */
  save(name: string, position: string): Promise<void>
}

/** An event that a projection cannot apply. */
export interface Poison {
  readonly position: Position
  readonly type: string
  readonly cause: string
}

/**
 * The health of a projection. `building`: behind the log and catching up; `live`: applying new events; `stopped`: at a poison
 * event, until the code is fixed and the process restarted; `failing`: reads or writes fail and are retried.
 */
export interface ProjectionHealth {
  readonly name: string
  readonly version: number
  readonly state: 'building' | 'live' | 'stopped' | 'failing'
  /** What queries see now: the served version and its last event. */
  readonly serving: { readonly version: number; readonly position: Position }
  /** Whether the served build has reached the end of the log since the process started, and receives new events. */
  readonly isServedLive: boolean
  /** The last event in the build of this version; it may be the served build. */
  readonly position: Position
  /** How long ago the last applied event was written, in milliseconds; 0 when no newer event is known. */
  readonly lagMs: number
  /** Events applied to the build of this version since the process started. */
  readonly events: number
  /** Events per second over the last five seconds. */
  readonly eventsPerSecond: number
  /** Why it is stopped. */
  readonly poison?: Poison
  readonly failure?: string
}

/** A digest over all rows of a projection, with the position of the rows. */
export interface ProjectionDigest {
  /** SHA-256 in hexadecimal; equal for equal rows of any build. */
  readonly digest: string
  readonly position: Position
  readonly rows: number
}

export interface WaitOptions {
  readonly timeoutMs: number
  /** The projections that must have reached the position; default: all. */
  readonly names?: readonly string[]
}

/** Keeps the read models up to date with the log. */
export interface Projector {
  /** Waits until queries see everything up to the position; `false` after the timeout, or when a projection has stopped. */
  waitFor(position: Position, options: WaitOptions): Promise<boolean>
  health(): readonly ProjectionHealth[]
  digest(name: string): Promise<ProjectionDigest>
  /**
   * Rebuilds the projection beside the served build, and serves the new build once it has caught up.
   *
   * @throws {Error} when it stopped at a poison event or the projector was closed: the old build is still served.
   */
  rebuild(name: string): Promise<void>
  readonly checkpoints: Checkpoints
  close(): Promise<void>
}
