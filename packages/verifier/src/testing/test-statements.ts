import { encodeStatement, type EncodeStatement, EVENT_TYPES, type Notice, type Scope } from '@ledgate/revocation'

/** What a test revokes: all tokens with this id in this scope. */
export interface Revoked {
  readonly scope: Scope
  /** The `sub`, `client_id`, `sid`, `gid`, `jti` or `kid`; ignored for the scope `issuer`. */
  readonly id: string
}

/** Longer than the lifetime of any token that a verifier accepts. */
const UNTIL_SECONDS = 3_700

const positionOf = (nth: number) => String(nth).padStart(12, '0')

type About = Pick<Notice, 'kind' | 'jti' | 'txn' | 'time' | 'position'>

function noticeOf({ scope, id }: Revoked, about: About, until: number, epoch: number): Notice {
  switch (scope) {
    case 'issuer':
      return { ...about, type: EVENT_TYPES.issuer.epochRaised, ended: { scope, id, until, epoch } }
    case 'client':
      return { ...about, type: EVENT_TYPES.client.epochRaised, ended: { scope, id, until, epoch } }
    case 'user':
      return { ...about, type: EVENT_TYPES.user.sessionRevoked, ended: { scope, id, until, epoch } }
    case 'session':
      return { ...about, type: EVENT_TYPES.session.sessionRevoked, ended: { scope, id, until } }
    case 'online_session':
      return { ...about, type: EVENT_TYPES.online_session.sessionEnded, ended: { scope, id, until } }
    case 'grant':
      return { ...about, type: EVENT_TYPES.grant.grantRevoked, ended: { scope, id, until } }
    case 'jti':
      return { ...about, type: EVENT_TYPES.jti.tokenRevoked, ended: { scope, id, until } }
    case 'key':
      return { ...about, type: EVENT_TYPES.key.keyRevoked, ended: { scope, id, until } }
  }
}

/** Signs notices and heartbeats, and counts the epochs that notices raise. */
export interface TestStatements {
  /** The epoch in a token that is issued now. */
  epochOf(scope: 'issuer' | 'client' | 'user', id: string): number
  /** @param nth the number of notices, including this one. */
  notice(revoked: Revoked, nth: number): Promise<string>
  heartbeat(nth: number): Promise<string>
}

export function testStatements(options: Required<EncodeStatement>): TestStatements {
  const { issuer, now } = options
  const epochs = new Map<string, number>()
  const nameOf = (scope: Scope, id: string) => `${scope} ${scope === 'issuer' ? issuer : id}`
  return {
    epochOf: (scope, id) => epochs.get(nameOf(scope, id)) ?? 0,
    notice({ scope, id }, nth) {
      const name = nameOf(scope, id)
      const epoch = (epochs.get(name) ?? 0) + 1
      epochs.set(name, epoch)
      const time = Math.floor(now() / 1000)
      const about = {
        kind: 'notice',
        jti: crypto.randomUUID(),
        txn: crypto.randomUUID(),
        time,
        position: positionOf(nth),
      } as const
      const revoked = { scope, id: scope === 'issuer' ? issuer : id }
      return encodeStatement(noticeOf(revoked, about, time + UNTIL_SECONDS, epoch), options)
    },
    heartbeat: (nth) =>
      encodeStatement({ kind: 'heartbeat', through: positionOf(nth), at: Math.floor(now()) }, options),
  }
}
