import type { Scope } from './notice.ts'

const RISC = 'https://schemas.openid.net/secevent/risc/event-type'
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type'
const LEDGATE = 'urn:ledgate:secevent'

/**
 * Why tokens are revoked, as the URI of a security event: those of OpenID RISC 1.0 and CAEP 1.0 where they fit, types of Ledgate
 * elsewhere. Each scope has its own types; `session-revoked` is used for one session, and for all sessions of a user.
 */
export const EVENT_TYPES = {
  issuer: { epochRaised: `${LEDGATE}:issuer-epoch-raised` },
  client: { epochRaised: `${LEDGATE}:client-epoch-raised` },
  user: {
    accountDisabled: `${RISC}/account-disabled`,
    accountPurged: `${RISC}/account-purged`,
    credentialChange: `${CAEP}/credential-change`,
    tokenClaimsChange: `${CAEP}/token-claims-change`,
    sessionRevoked: `${CAEP}/session-revoked`,
  },
  session: { sessionRevoked: `${CAEP}/session-revoked` },
  online_session: { sessionEnded: `${LEDGATE}:session-ended` },
  grant: { grantRevoked: `${LEDGATE}:grant-revoked` },
  jti: { tokenRevoked: `${LEDGATE}:token-revoked` },
  key: { keyRevoked: `${LEDGATE}:key-revoked` },
} as const satisfies Record<Scope, Record<string, string>>

type TypesOf<Types> = Types[keyof Types]

/** The event types that a notice of this scope may carry. */
export type EventType<In extends Scope = Scope> = { [Each in In]: TypesOf<(typeof EVENT_TYPES)[Each]> }[In]

/** The event of a heartbeat: the feed is complete up to a position. */
export const HEARTBEAT_TYPE = `${LEDGATE}:heartbeat`
