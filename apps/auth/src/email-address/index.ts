/** Email addresses: their one spelling, and which user owns them. */
export {
  type Addresses,
  hmacOfUser,
  normalizeAddress,
  normalizeNewAddress,
  openAddresses,
  TypedAddress,
} from './address.ts'
export { emailChange, type EmailChangeCommand } from './email-change.decider.ts'
export { email, type EmailState, ERASED_REASON, isFree } from './email.decider.ts'
export { InvalidLink } from './errors.ts'
export { emailChangeStream, type EmailEvent, emailStream } from './events.ts'
export { type EmailRecord, readEmail, readOwner } from './read-email.ts'
