import { type CommandContext, type EventLog, untilSettled } from '../log/index.ts'
import { grant as decider, type GrantCommand } from './decider.ts'
import type { GrantState } from './events.ts'

/** A grant as its stream says, and where the stream ends. */
export interface ReadGrant {
  readonly state: GrantState
  readonly revision: bigint
}

/** Events one append can hold after the last that carries the state. */
const LOOK_BACK = 4
/** Events read at once when the past is searched. */
const PAGE = 128

/** The grant of that id, never older than the call. */
export async function readGrant(log: EventLog, gid: string): Promise<ReadGrant | undefined> {
  const events = await log.last(`grant-${gid}`, LOOK_BACK)
  const newest = events[0]
  for (const event of events) {
    if (newest !== undefined && 'grant' in event.data) return { state: event.data.grant, revision: newest.revision }
  }
  return undefined
}

/**
 * The attempt that spent a generation, searched in the past of the grant: only a token that came back long after it was
 * spent asks for it.
 */
export async function attemptThatSpent(log: EventLog, gid: string, generation: number): Promise<string | null> {
  for (let from: bigint | undefined; ;) {
    const page = await log.page(`grant-${gid}`, from, PAGE)
    for (const event of page) {
      if (event.type === 'RefreshRotated' && event.data.grant.refresh?.generation === generation + 1)
        return event.data.grant.refresh.attempt
    }
    const oldest = page.at(-1)
    if (oldest === undefined || oldest.revision === 0n) return null
    from = oldest.revision - 1n
  }
}

/** Brings a grant to what the command asks, however many others change it at once. */
export function changeGrant(
  log: EventLog,
  gid: string,
  command: Extract<GrantCommand, { type: 'Revoke' | 'RevokeToken' }>,
  { context, dataKey }: { readonly context: CommandContext; readonly dataKey?: string | undefined },
): Promise<{ position: string } | undefined> {
  return untilSettled(async () => {
    const found = await readGrant(log, gid)
    if (found === undefined) return undefined
    const events = decider.decide(command, found.state)
    if (events.length === 0) return undefined
    return log.append(`grant-${gid}`, events, { expected: found.revision, context, dataKey })
  })
}
