import type { DomainEvent } from './definitions.ts'

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
