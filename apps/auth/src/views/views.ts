import type { ProjectionHealth, Projector, ViewReader } from '@ledgate/eventsourcing'
import type { Sealer } from '@ledgate/vault'
import { auditQueries, type AuditQueries } from '../audit/index.ts'
import { clientQueries, type ClientQueries } from '../client/index.ts'
import { grantQueries, type GrantQueries } from '../grant/index.ts'
import { resourceQueries, type ResourceQueries } from '../resource/index.ts'
import { revocationQueries, type RevocationQueries } from '../revocation-feed/index.ts'
import { sessionQueries, type SessionQueries } from '../session/index.ts'
import { userQueries, type UserQueries } from '../user/index.ts'
import type { PositionWaiter } from '../projection/index.ts'
import type { ViewName } from './projections.ts'

/** The read models. They are for showing and listing: nothing that decides reads them. */
export interface Views extends PositionWaiter, Readonly<Record<ViewName, object>> {
  readonly users: UserQueries
  readonly clients: ClientQueries
  readonly resources: ResourceQueries
  readonly sessions: SessionQueries
  readonly grants: GrantQueries
  readonly audit: AuditQueries
  readonly revocations: RevocationQueries
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
