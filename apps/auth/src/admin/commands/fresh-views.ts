import type { JsonObject, Position } from '@ledgate/eventsourcing'
import type { AuditQueries } from '../../audit/index.ts'
import type { ClientQueries } from '../../client/index.ts'
import type { EventLog } from '../../log/index.ts'
import type { PositionWaiter } from '../../projection/index.ts'
import { NotFound, ViewsBehind } from '../../refusal/index.ts'
import type { ResourceQueries } from '../../resource/index.ts'
import type { UserQueries } from '../../user/index.ts'

/** The views that the commands show. */
export interface ShownViews extends PositionWaiter {
  readonly users: UserQueries
  readonly clients: ClientQueries
  readonly resources: ResourceQueries
  readonly audit: AuditQueries
}

/** Milliseconds a list waits for the views to hold what was written before the command. */
const FRESH_WITHIN_MS = 5_000

/** Views that hold everything which any replica answered before they are read. */
export interface FreshViews {
  /** @throws {ViewsBehind} when the views do not get there in time. */
  fresh(): Promise<ShownViews>
  /** @returns the end of the log, which the views hold. @throws {ViewsBehind} */
  upToNow(): Promise<Position>
}

/** Waits for the views before each list. */
export function freshViews({ log, views }: { readonly log: EventLog; readonly views: ShownViews }): FreshViews {
  async function upToNow(): Promise<Position> {
    const head = await log.store.head()
    if (!(await views.waitFor(head, FRESH_WITHIN_MS))) throw new ViewsBehind()
    return head
  }
  return {
    upToNow,
    async fresh() {
      await upToNow()
      return views
    },
  }
}

/** A row as it is shown. @throws {NotFound} when there is none. */
export function found(view: object | undefined, what: string): JsonObject {
  if (view === undefined) throw new NotFound(what)
  return view as JsonObject
}

/** Rows as they are shown. */
export const asJson = (values: readonly object[]): readonly JsonObject[] => values as readonly JsonObject[]
