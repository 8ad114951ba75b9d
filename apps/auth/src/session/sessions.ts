import { type CommandContext, type EventLog, handle } from '../log/index.ts'
import { session as decider, type SessionCommand } from './session.decider.ts'
import { type SessionState, sessionStream } from './events.ts'

/** A session as its stream says, and where the stream ends. */
export interface ReadSession {
  readonly state: SessionState
  readonly revision: bigint
}

/** The session of that id, never older than the call. */
export async function readSession(log: EventLog, sid: string): Promise<ReadSession | undefined> {
  const [newest] = await log.last(sessionStream.of(sid))
  return newest !== undefined && 'session' in newest.data
    ? { state: newest.data.session, revision: newest.revision }
    : undefined
}

/** Starts the session of a new random id: no one else can have, so nothing is read. */
export async function startSession(
  log: EventLog,
  start: Extract<SessionCommand, { type: 'Start' }>,
  { context, dataKey }: { readonly context: CommandContext; readonly dataKey?: string | undefined },
): Promise<void> {
  const events = decider.decide(start, undefined)
  await log.append(sessionStream.of(start.sid), events, { expected: 'noStream', context, dataKey })
}

/** How a session is changed. */
export interface SessionChange {
  readonly context: CommandContext
  readonly dataKey?: string | undefined
  /** The session as it was read just now: it is read again only when somebody else changed it since. */
  readonly known?: ReadSession
}

/** Brings a session to what the command asks, however many others change it at once. */
export async function changeSession(
  log: EventLog,
  sid: string,
  command: SessionCommand,
  { context, dataKey, known }: SessionChange,
): Promise<void> {
  const read = known && { state: known.state, expected: known.revision }
  await handle(log, { stream: sessionStream.of(sid), decider }, () => ({ command, context, dataKey }), read)
}
