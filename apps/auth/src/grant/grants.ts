import type { Position } from '@ledgate/eventsourcing'
import { type CommandContext, type EventLog, handle } from '../log/index.ts'
import { grant as decider, type GrantCommand } from './grant.decider.ts'
import { type GrantState, grantStream } from './events.ts'

/** A grant as its stream says, and where the stream ends. */
export interface ReadGrant {
  readonly state: GrantState
  readonly revision: bigint
}

/** Events one append can hold after the last that carries the state. */
export const LOOK_BACK = 4

/** The grant of that id, never older than the call. */
export async function readGrant(log: EventLog, gid: string): Promise<ReadGrant | undefined> {
  const events = await log.last(grantStream.of(gid), LOOK_BACK)
  const newest = events[0]
  for (const event of events) {
    if (newest !== undefined && 'grant' in event.data) return { state: event.data.grant, revision: newest.revision }
  }
  return undefined
}

/** Brings a grant to what the command asks, however many others change it at once. */
export async function changeGrant(
  log: EventLog,
  gid: string,
  command: Extract<GrantCommand, { type: 'Revoke' }>,
  { context, dataKey }: { readonly context: CommandContext; readonly dataKey?: string | undefined },
): Promise<{ position: Position } | undefined> {
  const grant = { stream: grantStream.of(gid), decider, lookBack: LOOK_BACK }
  const { position } = await handle(log, grant, (state) => state && command, { context, dataKeyOf: () => dataKey })
  return position === undefined ? undefined : { position }
}
