import type { EventStore } from './event-store.ts'
import type { RecordedEvent } from './event.ts'
import type { Position } from './position.ts'

/** What a cell of a read model can hold. */
export type SqlValue = string | number | bigint | Uint8Array | null

/** A statement that was compiled once. */
export interface SqlStatement {
  run(...values: readonly SqlValue[]): unknown
  /** The first row; `undefined` when there is none. */
  get(...values: readonly SqlValue[]): unknown
}

/** What the handlers of a projection write to. */
export interface SqlDatabase {
  prepare(sql: string): SqlStatement
}

/** What queries read from: the tables of all projections by the names their schemas give them. Never blocks on writers. */
export interface ViewReader {
  get(sql: string, ...values: readonly SqlValue[]): unknown
  all(sql: string, ...values: readonly SqlValue[]): readonly unknown[]
  /** All that `read` reads is of one moment; also cheaper than many reads one by one. */
  snapshot<Result>(read: () => Result): Result
  close(): void
}

/** The name that a table, or an index, of a projection has in the build at hand. */
export type TableName = (table: string) => string

/**
 * A view of the log: how its tables look and what each event does to them. The tables are a function of the log alone
 * (no clock, no randomness), so that a rebuilt view equals the live one. A changed view is a new `version`: it is built
 * beside the old one and takes its place when it has caught up.
 *
 * @typeParam Event every event the projection may be given, told apart by `type`
 */
export interface Projection<Event extends { readonly type: string }> {
  readonly name: string
  readonly version: number
  /** The oldest version whose tables today's queries can read while this one is built; any unless told. */
  readonly oldestReadable?: number
  /** SQL that makes the tables, each of them with a primary key. */
  schema(table: TableName): string
  /** The categories of streams the handlers care about; all unless told. */
  readonly categories?: readonly string[]
  /** Compiles the handlers. Called again after every rollback, so what they remember is always what was committed. */
  prepare(database: SqlDatabase, table: TableName): ProjectionHandlers<Event>
}

/** What each event does to the tables. A handler that throws stops its projection at that event. */
export interface ProjectionHandlers<Event extends { readonly type: string }> {
  readonly on?: { readonly [Type in Event['type']]?: (event: Extract<Event, { type: Type }>) => void }
  /** Every event of the categories; `event` is `undefined` when its type is unknown here (a newer version's). */
  every?(recorded: RecordedEvent, event: Event | undefined): void
  /** Before each commit: writes what the handlers held back. */
  flush?(): void
}

/** The part of an event store that projections read. */
export interface EventReader extends Pick<EventStore, 'readAll' | 'subscribe' | 'head' | 'parsePosition'> {
  /** Somebody waits for what may have been appended: look now rather than at the next look. */
  wake?(): void
}

/** Where process managers are in the log, as texts: whoever reads one lets the store parse it ({@link keptPosition}). */
export interface Checkpoints {
  /** The text saved last under the name; empty when there is none. */
  load(name: string): Promise<string>
  /** Durable before it resolves. */
  save(name: string, place: string): Promise<void>
}

/** The event a projection cannot apply. */
export interface Poison {
  readonly position: Position
  readonly type: string
  readonly cause: string
}

/**
 * How a projection is doing. `building`: behind the log and coming closer; `live`: applying what comes; `stopped`: at a
 * poison event, until the code is mended and the process started again; `failing`: the disk does not take it, retried.
 */
export interface ProjectionHealth {
  readonly name: string
  readonly version: number
  readonly state: 'building' | 'live' | 'stopped' | 'failing'
  /** What queries see now: the version that is served and the last event in it. */
  readonly serving: { readonly version: number; readonly position: Position }
  /** Whether what queries see has been at the end of the log since the process began, and is kept abreast of it. */
  readonly isServedLive: boolean
  /** The last event in the build of this version. Equal to the served one's when that is this build. */
  readonly position: Position
  /** How long ago the last applied event was written, in milliseconds; 0 when nothing newer is known. */
  readonly lagMs: number
  /** Applied to the build of this version since the process began. */
  readonly events: number
  /** Over the last seconds. */
  readonly eventsPerSecond: number
  /** Why it does not go on. */
  readonly poison?: Poison
  readonly failure?: string
}

/** All rows of a projection in one number, with the position they belong to. */
export interface ProjectionDigest {
  /** SHA-256 in hexadecimal; equal for equal rows, whichever build holds them. */
  readonly digest: string
  readonly position: Position
  readonly rows: number
}

export interface WaitOptions {
  readonly timeoutMs: number
  /** Whose queries must see it; those of every projection unless told. */
  readonly names?: readonly string[]
}

/** Keeps the read models abreast of the log. */
export interface Projector {
  /** Whether queries see everything up to the position; `false` when that took too long, or a projection has stopped. */
  waitFor(position: Position, options: WaitOptions): Promise<boolean>
  health(): readonly ProjectionHealth[]
  digest(name: string): Promise<ProjectionDigest>
  /**
   * Builds the projection anew beside the one that is served, and serves it once it has caught up.
   *
   * @throws {Error} when it stopped at a poison event or the projector was closed: the old one is still served.
   */
  rebuild(name: string): Promise<void>
  readonly checkpoints: Checkpoints
  close(): Promise<void>
}
