import { z } from 'zod'
import { EVENT_TYPES, HEARTBEAT_TYPE } from './event-type.ts'
import {
  hasEpoch,
  type Heartbeat,
  Id,
  Linked,
  LogPosition,
  Milliseconds,
  type Notice,
  Notices,
  type Scope,
  SCOPES,
  Seconds,
  type UnknownEvent,
} from './notice.ts'

/** Subject identifiers of RFC 9493 §3.2 that a feed uses. */
type Subject =
  | { readonly format: 'uri'; readonly uri: string }
  | { readonly format: 'opaque'; readonly id: string }
  | { readonly format: 'iss_sub'; readonly iss: string; readonly sub: string }

const FORMATS: Record<Scope, Subject['format']> = {
  issuer: 'uri',
  client: 'opaque',
  user: 'iss_sub',
  session: 'opaque',
  online_session: 'opaque',
  grant: 'opaque',
  jti: 'opaque',
  key: 'opaque',
}

/**
 * The claims of a security event token, RFC 8417 §2.2. `exp` and `sub` must not be there: they would let it pass for another
 * kind of token (§4.5, §4.6). Unknown claims are ignored, as RFC 7519 §4 requires.
 */
const SecurityEventToken = z.object({
  iss: z.string(),
  iat: Seconds,
  jti: Id,
  txn: Id.optional(),
  exp: z.undefined().optional(),
  sub: z.undefined().optional(),
  sub_id: z.record(z.string(), z.unknown()).optional(),
  events: z.record(z.string(), z.record(z.string(), z.unknown())),
})
type SecurityEventToken = z.infer<typeof SecurityEventToken>

const HeartbeatEvent = z.object({ through: LogPosition, at: Milliseconds, predecessor: Linked.predecessor })
/** The members that events of any type have. */
const LinkedEvent = z.object({ position: LogPosition, ...Linked })

function subjectOf(scope: Scope, id: string, issuer: string): Subject {
  switch (FORMATS[scope]) {
    case 'uri':
      return { format: 'uri', uri: id }
    case 'iss_sub':
      return { format: 'iss_sub', iss: issuer, sub: id }
    case 'opaque':
      return { format: 'opaque', id }
  }
}

/** The id in a subject, if it is one of this issuer; its form is not checked here. */
function idOf(subject: Readonly<Record<string, unknown>>, issuer: string): unknown {
  switch (subject['format']) {
    case 'uri':
      return subject['uri'] === issuer ? issuer : undefined
    case 'iss_sub':
      return subject['iss'] === issuer ? subject['sub'] : undefined
    case 'opaque':
      return subject['id']
  }
  return undefined
}

/** The members that CAEP 1.0 requires for its own types. Readers of this feed do not need them. */
function required(notice: Notice): object {
  if (notice.type === EVENT_TYPES.user.credentialChange) return { credential_type: 'password', change_type: 'update' }
  if (notice.type === EVENT_TYPES.user.tokenClaimsChange && notice.ended.scope === 'user')
    return { claims: { user_epoch: notice.ended.epoch } }
  return {}
}

/** The claims of a notice as a security event token. */
export function noticeClaims(notice: Notice, issuer: string) {
  const { ended, type, time, jti, txn, position, predecessor, set } = notice
  const event = {
    event_timestamp: time,
    ...('epoch' in ended && { epoch: ended.epoch }),
    ...('issuer_epoch' in ended && { issuer_epoch: ended.issuer_epoch }),
    until: ended.until,
    position,
    ...(predecessor === undefined ? {} : { predecessor }),
    ...(set === undefined ? {} : { set }),
    ...required(notice),
  }
  return { jti, txn, sub_id: subjectOf(ended.scope, ended.id, issuer), events: { [type]: event } }
}

/** The claims of a heartbeat as a security event token. Equal heartbeats have the same `jti`. */
export function heartbeatClaims({ through, at, predecessor }: Heartbeat, issuer: string) {
  return {
    jti: `heartbeat.${at}.${through}`,
    sub_id: { format: 'uri', uri: issuer },
    events: { [HEARTBEAT_TYPE]: { through, at, ...(predecessor === undefined ? {} : { predecessor }) } },
  }
}

/** The scopes that an event type belongs to. */
const SCOPES_OF = Map.groupBy(
  SCOPES.flatMap((scope) => Object.values<string>(EVENT_TYPES[scope]).map((type) => ({ type, scope }))),
  ({ type }) => type,
)

function readNotice(set: SecurityEventToken, type: string, event: Record<string, unknown>, issuer: string): Notice {
  const { sub_id: subject = {} } = set
  const scope = SCOPES_OF.get(type)?.find((each) => FORMATS[each.scope] === subject['format'])?.scope
  if (scope === undefined) throw new TypeError('the subject does not fit the event type')
  const { event_timestamp: time, until, position, epoch, issuer_epoch, predecessor, set: ofSet } = event
  const epochs = hasEpoch(scope) ? { epoch, ...(issuer_epoch !== undefined && { issuer_epoch }) } : {}
  const ended = { scope, id: idOf(subject, issuer), until, ...epochs }
  const link = { ...(predecessor !== undefined && { predecessor }), ...(ofSet !== undefined && { set: ofSet }) }
  return Notices[scope].parse({ kind: 'notice', ended, type, time, jti: set.jti, txn: set.txn, position, ...link })
}

/**
 * Reads the claims of a security event token.
 *
 * @returns a notice or a heartbeat, or an event of an unknown type.
 * @throws if they are not those of a statement of this issuer.
 */
export function readSecurityEvent(claims: unknown, issuer: string): Notice | Heartbeat | UnknownEvent {
  const set = SecurityEventToken.parse(claims)
  const [entry, ...others] = Object.entries(set.events)
  if (entry === undefined || others.length > 0) throw new TypeError('not exactly one event')
  const [type, event] = entry
  if (type === HEARTBEAT_TYPE) {
    if (idOf(set.sub_id ?? {}, issuer) !== issuer) throw new TypeError('the heartbeat is of another issuer')
    return { kind: 'heartbeat', ...HeartbeatEvent.parse(event) }
  }
  if (SCOPES_OF.has(type)) return readNotice(set, type, event, issuer)
  const { data: link } = LinkedEvent.safeParse(event)
  return { kind: 'unknown', type, ...(link && { link }) }
}
