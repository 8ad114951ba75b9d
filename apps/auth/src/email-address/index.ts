/** Email addresses: their one spelling, and which user owns them. */
export {
  type Addresses,
  openAddresses,
  hmacOfUser,
  normalizeAddress,
  normalizeNewAddress,
  TypedAddress,
} from './address.ts'
export { emailChange, type EmailChangeCommand } from './email-change.decider.ts'
export { email, type EmailState, ERASED_REASON, isFree } from './email.decider.ts'
export { InvalidLink } from './errors.ts'
export { emailChangeEvents, emailChangeStream, type EmailEvent, emailEvents, emailStream } from './events.ts'
export { type EmailRecord, readEmail, readOwner } from './read-email.ts'
