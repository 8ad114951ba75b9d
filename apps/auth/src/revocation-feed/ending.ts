import { EVENT_TYPES, type Notice } from '@ledgate/revocation'
import type { DomainEvent } from '../catalogue/index.ts'
import type { EventMetadata } from '../log/index.ts'

/** What an event ends, and why. */
export type Ending = {
  [Each in Notice as Each['ended']['scope']]: Pick<Each, 'ended' | 'type'>
}[Notice['ended']['scope']]

/** What the log does not say of an ending: whose tokens these are, and when the last of them is dead. */
export interface EndingFacts {
  readonly issuer: string
  /** In which life of the log the epochs of users and clients are counted: a restore sets them back, and raises this. */
  readonly issuerEpoch: number
  /** When no token of before the event lives; whole seconds since the epoch. */
  readonly tokensUntil: number
  /** Until when a compromised key is published. */
  readonly keysUntil: number
  /** When a token has expired for every resource server. */
  tokenUntil(exp: number): number
}

/** What each type of event ends: `nothing`, or what the function says of it; `undefined` for one that ends nothing after all. */
export type EndingsOf<Event extends { readonly type: string }> = {
  readonly [Type in Event['type']]:
    'nothing' | ((event: Extract<Event, { type: Type }> & EventMetadata, facts: EndingFacts) => Ending | undefined)
}

interface OfUser {
  readonly data: { readonly user: { readonly sub: string; readonly epoch: number } }
}

/** Everything of before: the state says the epoch that it has come to, which only some events raise. */
const user =
  (type: (typeof EVENT_TYPES.user)[keyof typeof EVENT_TYPES.user]) =>
  (
    {
      data: {
        user: { sub, epoch },
      },
    }: OfUser,
    { issuerEpoch, tokensUntil }: EndingFacts,
  ): Ending => ({
    ended: { scope: 'user', id: sub, epoch, issuer_epoch: issuerEpoch, until: tokensUntil },
    type,
  })

interface OfClient {
  readonly data: { readonly client: { readonly client_id: string; readonly epoch: number } }
}

const client = (
  {
    data: {
      client: { client_id, epoch },
    },
  }: OfClient,
  { issuerEpoch, tokensUntil }: EndingFacts,
): Ending => ({
  ended: { scope: 'client', id: client_id, epoch, issuer_epoch: issuerEpoch, until: tokensUntil },
  type: EVENT_TYPES.client.epochRaised,
})

interface OfToken {
  readonly data: { readonly jti: string; readonly exp: number }
}

const token = ({ data: { jti, exp } }: OfToken, { tokenUntil }: EndingFacts): Ending => ({
  ended: { scope: 'jti', id: jti, until: tokenUntil(exp) },
  type: EVENT_TYPES.jti.tokenRevoked,
})

/** The keyrings whose keys others trust. */
const TRUSTED = ['keyring-signing', 'keyring-feed']

/**
 * What every event of the catalogue ends. A type of event that is not here does not compile: whoever adds one says what it
 * ends, or that it ends nothing.
 */
export const endings: EndingsOf<DomainEvent> = {
  UserRegistered: 'nothing',
  EmailVerified: 'nothing',
  EmailChanged: 'nothing',
  // Before the confirmation there was nothing to end.
  PasswordSet: (event, facts) =>
    event.data.reason === 'confirmation' ? undefined : user(EVENT_TYPES.user.credentialChange)(event, facts),
  ProfileChanged: 'nothing',
  RolesAssigned: user(EVENT_TYPES.user.tokenClaimsChange),
  UserDisabled: user(EVENT_TYPES.user.accountDisabled),
  UserEnabled: 'nothing',
  UserSessionsRevoked: user(EVENT_TYPES.user.sessionRevoked),
  SubjectErased: user(EVENT_TYPES.user.accountPurged),

  EmailReserved: 'nothing',
  EmailConfirmed: 'nothing',
  EmailReleased: 'nothing',
  EmailChangeAsked: 'nothing',
  EmailChangeRedeemed: 'nothing',
  LoginFailed: 'nothing',
  LoginDelayed: 'nothing',
  LoginSucceeded: 'nothing',
  PlacesSeen: 'nothing',
  LoginFailuresWithheld: 'nothing',
  MailRequested: 'nothing',
  MailWithheld: 'nothing',
  MailSent: 'nothing',
  MailFailed: 'nothing',
  LinkRedeemed: 'nothing',

  ClientRegistered: 'nothing',
  ClientUpdated: client,
  ClientSecretAdded: 'nothing',
  ClientSecretRevoked: 'nothing',
  ClientDisabled: client,
  ClientEnabled: 'nothing',

  ResourceRegistered: 'nothing',
  ResourceUpdated: 'nothing',
  ResourceSecretAdded: 'nothing',
  ResourceSecretRevoked: 'nothing',
  ResourceDisabled: 'nothing',
  ResourceEnabled: 'nothing',
  NameReserved: 'nothing',
  NameReleased: 'nothing',
  AssertionUsed: 'nothing',

  SessionStarted: 'nothing',
  SessionTouched: 'nothing',
  SessionRevoked: ({ data: { session } }, { tokensUntil }) => ({
    ended: { scope: 'session', id: session.sid, until: tokensUntil },
    type: EVENT_TYPES.session.sessionRevoked,
  }),
  SessionEnded: ({ data: { session } }, { tokensUntil }) => ({
    ended: { scope: 'online_session', id: session.sid, until: tokensUntil },
    type: EVENT_TYPES.online_session.sessionEnded,
  }),

  GrantOpened: 'nothing',
  TokenIssued: 'nothing',
  RefreshRotated: 'nothing',
  RefreshReplayed: 'nothing',
  // The end of the grant comes with it, in the same append.
  RefreshReuseDetected: 'nothing',
  TokenRevoked: token,
  GrantRevoked: ({ data: { grant } }, { tokensUntil }) => ({
    ended: { scope: 'grant', id: grant.gid, until: tokensUntil },
    type: EVENT_TYPES.grant.grantRevoked,
  }),
  ServiceTokenRevoked: token,

  KeyGenerated: 'nothing',
  KeyActivated: 'nothing',
  // It is kept until nothing that it signed lives.
  KeyRetired: 'nothing',
  KeyCompromised: ({ stream, data: { kid } }, { keysUntil }) =>
    TRUSTED.includes(stream)
      ? { ended: { scope: 'key', id: kid, until: keysUntil }, type: EVENT_TYPES.key.keyRevoked }
      : undefined,

  AdministratorAdded: 'nothing',
  AdministratorRemoved: 'nothing',
  IssuerEpochRaised: ({ data: { installation } }, { issuer, tokensUntil }) => ({
    ended: { scope: 'issuer', id: issuer, epoch: installation.issuer_epoch, until: tokensUntil },
    type: EVENT_TYPES.issuer.epochRaised,
  }),
  // What has ended is told for longer.
  TokenCapRaised: 'nothing',
  AdministrationRequested: 'nothing',
  BootstrapEntryApplied: 'nothing',
}
