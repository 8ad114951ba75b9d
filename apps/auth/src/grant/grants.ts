import type { Position } from '@ledgate/eventsourcing'
import { type CommandContext, type EventLog, handle, readState } from '../log/index.ts'
import { grant as decider, type GrantCommand } from './grant.decider.ts'
import { type GrantState, grantStream } from './events.ts'

/** A grant as its stream says, and where the stream ends. */
export interface ReadGrant {
  readonly state: GrantState
  readonly revision: bigint
}

/** Events one append can hold after the last that carries the state. */
export const LOOK_BACK = 4

/** What commands about the grant of that id are decided by. */
export const grantOf = (gid: string) => ({ stream: grantStream.of(gid), decider, lookBack: LOOK_BACK, isQueued: true })

/** The grant of that id, never older than the call. */
export async function readGrant(log: EventLog, gid: string): Promise<ReadGrant | undefined> {
  const { state, expected } = await readState(log, grantOf(gid))
  return state === undefined || expected === 'noStream' ? undefined : { state, revision: expected }
}

/** Brings a grant to what the command asks, however many others change it at once. */
export async function changeGrant(
  log: EventLog,
  gid: string,
  command: Extract<GrantCommand, { type: 'Revoke' }>,
  { context, dataKey }: { readonly context: CommandContext; readonly dataKey?: string | undefined },
): Promise<{ position: Position } | undefined> {
  const { position } = await handle(log, grantOf(gid), ({ state }) => state && { command, context, dataKey })
  return position === undefined ? undefined : { position }
}
