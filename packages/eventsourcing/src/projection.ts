/**
 * A view of the log: how its tables look and what each event does to them. Handlers are idempotent; a new `version`
 * is built beside the old one and takes its place when it has caught up.
 *
 * @typeParam Event every event the projection may be given, told apart by `type`
 * @typeParam Database what the handlers write to
 */
export interface Projection<Event extends { readonly type: string }, Database> {
  readonly name: string
  readonly version: number
  /** SQL that makes the tables; `table('x')` gives the name that table x has in this version. */
  schema(table: (name: string) => string): string
  /** The categories of streams the handlers care about; all unless told. */
  readonly categories?: readonly string[]
  prepare(database: Database, table: (name: string) => string): ProjectionHandlers<Event>
}

export type ProjectionHandlers<Event extends { readonly type: string }> = {
  readonly [Type in Event['type']]?: (event: Extract<Event, { type: Type }>) => void
} & { readonly every?: (event: Event) => void }
