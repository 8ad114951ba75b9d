import { ERASED, type Sealer } from '@ledgate/vault'
import type { EventLog, RecordOf, StreamName } from '../log/index.ts'
import { email, type EmailState } from './email.decider.ts'
import type { EmailEvent } from './events.ts'

/** Who has an address, and where its stream ends. */
export interface ReadEmail {
  readonly state: EmailState
  /** What an append to the stream has to expect. */
  readonly expected: bigint | 'noStream'
}

/** An event of an address's stream. */
export type EmailRecord = RecordOf<EmailEvent>

/** Who has the address of that stream, never older than the call: its last event says everything. */
export async function readEmail(log: EventLog, stream: StreamName<EmailEvent>): Promise<ReadEmail> {
  const [newest] = await log.last(stream)
  if (newest === undefined) return { state: email.initialState, expected: 'noStream' }
  return { state: email.evolve(email.initialState, newest), expected: newest.revision }
}

/** Whose confirmed address it is, and by which reservation; never older than the call. No one's after an erasure. */
export async function readOwner(
  log: EventLog,
  sealer: Pick<Sealer, 'unseal'>,
  stream: StreamName<EmailEvent>,
): Promise<{ readonly sub: string; readonly reservationId: string } | undefined> {
  const { state } = await readEmail(log, stream)
  const sub = state.status === 'confirmed' ? await sealer.unseal(state.owner, 'owner') : ERASED
  return state.status === 'confirmed' && sub !== ERASED ? { sub, reservationId: state.reservation_id } : undefined
}
