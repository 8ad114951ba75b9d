import { ERASED, type Sealer } from '@ledgate/vault'
import type { CommandContext, DomainRecord, EventLog, RecordOf, StreamName } from '../log/index.ts'
import { email, type EmailState } from './email.decider.ts'
import { type EmailEvent, type UserState, userStream } from './events.ts'

/** A person as their stream says, and where the stream ends. */
export interface ReadUser {
  readonly state: UserState
  readonly revision: bigint
}

/** The person of that `sub`, never older than the call. */
export async function readUser(log: EventLog, sub: string): Promise<ReadUser | undefined> {
  const [newest] = await log.last(userStream.of(sub))
  return newest !== undefined && 'user' in newest.data
    ? { state: newest.data.user, revision: newest.revision }
    : undefined
}

/**
 * How an event about what a person has is appended: where the command came from is sealed under their key, and left out when
 * there is none any more.
 */
export function aboutUser(
  user: Pick<UserState, 'erased' | 'data_key'> | undefined,
  { source, ...context }: CommandContext,
): { readonly context: CommandContext; readonly dataKey?: string } {
  return user === undefined || user.erased ? { context } : { context: { ...context, source }, dataKey: user.data_key }
}

/** Who has an address, and where its stream ends. */
export interface ReadEmail {
  readonly state: EmailState
  /** What an append to the stream has to expect. */
  readonly expected: bigint | 'noStream'
}

/** An event of an address's stream. */
export type EmailRecord = RecordOf<EmailEvent>

/** Whether the event is one of an address's stream. */
export const isEmailRecord = (record: DomainRecord): record is EmailRecord =>
  record.type === 'EmailReserved' || record.type === 'EmailConfirmed' || record.type === 'EmailReleased'

/** Who has the address of that stream, never older than the call: its last event says everything. */
export async function readEmail(log: EventLog, stream: StreamName<EmailEvent>): Promise<ReadEmail> {
  const [newest] = await log.last(stream)
  if (newest === undefined || !isEmailRecord(newest)) return { state: email.initialState, expected: 'noStream' }
  return { state: email.evolve(email.initialState, newest), expected: newest.revision }
}

/** Whose confirmed address it is, and by which reservation; never older than the call. Nobody's when it is erased. */
export async function readOwner(
  log: EventLog,
  sealer: Pick<Sealer, 'unseal'>,
  stream: StreamName<EmailEvent>,
): Promise<{ readonly sub: string; readonly reservationId: string } | undefined> {
  const { state } = await readEmail(log, stream)
  const sub = state.status === 'confirmed' ? await sealer.unseal(state.owner, 'owner') : ERASED
  return state.status === 'confirmed' && sub !== ERASED ? { sub, reservationId: state.reservation_id } : undefined
}
