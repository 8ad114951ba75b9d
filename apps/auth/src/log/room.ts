import { MAX_EVENT_BYTES, type NewEvent, TooLarge } from '@ledgate/eventsourcing'
import type { DomainEvent } from './catalogue.ts'

/** Bytes of the largest event that ends nothing. What ends what it left in a state carries no more than that, and fits. */
export const MAX_GROWING_BYTES = MAX_EVENT_BYTES / 2

/**
 * What takes something away may fill a whole event, whatever had become of the state that it carries. So may what is appended
 * together with it, and a token that was issued, which leaves nothing in any state and is made the most often.
 */
const FILLING: readonly DomainEvent['type'][] = [
  'PasswordSet',
  'UserDisabled',
  'UserSessionsRevoked',
  'SubjectErased',
  'EmailReleased',
  'ClientSecretRevoked',
  'ClientDisabled',
  'ResourceSecretRevoked',
  'ResourceDisabled',
  'NameReleased',
  'SessionRevoked',
  'SessionEnded',
  'TokenIssued',
  'RefreshReuseDetected',
  'TokenRevoked',
  'GrantRevoked',
  'ServiceTokenRevoked',
  'KeyRetired',
  'KeyCompromised',
  'KeyActivated',
  'KeyGenerated',
  'AdministratorRemoved',
  'IssuerEpochRaised',
]

const filling: ReadonlySet<string> = new Set(FILLING)

/** Whether an event of this type may take as much room as any event has. */
export const mayFill = (type: string): boolean => filling.has(type)

const bytesOf = ({ data, metadata }: NewEvent): number =>
  Buffer.byteLength(JSON.stringify(data)) + Buffer.byteLength(JSON.stringify(metadata))

/**
 * Leaves room for the event that will end it, however it came to be so large: one look for all events there are.
 *
 * @throws {TooLarge} when an event that ends nothing takes more than half of what an event has.
 */
export function leaveRoom(events: readonly NewEvent[]): void {
  for (const event of events) {
    const bytes = mayFill(event.type) ? 0 : bytesOf(event)
    if (bytes > MAX_GROWING_BYTES)
      throw new TooLarge(`${event.type} has ${bytes} bytes, ${MAX_GROWING_BYTES} at most, so that what ends it fits`)
  }
}
