import type { Position, ProjectionHealth, Projector, ViewReader } from '@ledgate/eventsourcing'
import type { Sealer } from '@ledgate/vault'
import { auditQueries, type AuditQueries } from './audit.ts'
import { clientQueries, type ClientQueries } from './clients.ts'
import { grantQueries, type GrantQueries } from './grants.ts'
import type { ViewName } from './projections.ts'
import { resourceQueries, type ResourceQueries } from './resources.ts'
import { revocationQueries, type RevocationQueries } from './revocations.ts'
import { sessionQueries, type SessionQueries } from './sessions.ts'
import { userQueries, type UserQueries } from './users.ts'

/** The read models. They are for showing and listing: nothing that decides reads them. */
export interface Views {
  readonly users: UserQueries
  readonly clients: ClientQueries
  readonly resources: ResourceQueries
  readonly sessions: SessionQueries
  readonly grants: GrantQueries
  readonly audit: AuditQueries
  readonly revocations: RevocationQueries
  /**
   * Whether the views (all of them unless told) hold everything up to a position: read your writes. `false` when that
   * took too long, or one of them has stopped.
   */
  waitFor(position: Position, timeoutMs: number, names?: readonly ViewName[]): Promise<boolean>
  health(): readonly ProjectionHealth[]
  readonly projector: Projector
  /** Ends the projector and the connection for queries. */
  close(): Promise<void>
}

export interface ViewsDependencies {
  readonly projector: Projector
  readonly reader: ViewReader
  /** A reader of one moment. */
  openMoment(): ViewReader
  readonly sealer: Pick<Sealer, 'unseal'>
}

/** The typed queries over the tables that a projector keeps. */
export function openViews({ projector, reader, openMoment, sealer }: ViewsDependencies): Views {
  return {
    users: userQueries(reader, sealer),
    clients: clientQueries(reader),
    resources: resourceQueries(reader),
    sessions: sessionQueries(reader),
    grants: grantQueries(reader),
    audit: auditQueries(reader),
    revocations: revocationQueries(openMoment),
    waitFor: (position, timeoutMs, names) => projector.waitFor(position, { timeoutMs, ...(names && { names }) }),
    health: () => projector.health(),
    projector,
    async close() {
      await projector.close()
      reader.close()
    },
  }
}
