import { createHash } from 'node:crypto'
import type { NewEvent } from '@ledgate/eventsourcing'
import { eventId } from '@ledgate/eventsourcing'
import type { ClientState } from '../client/index.ts'
import type { GrantState } from '../grant/index.ts'
import type { UserState } from '../user/index.ts'
import type { ResourceState } from '../resource/index.ts'
import type { SessionState } from '../session/index.ts'
import { type Actor, ANONYMOUS, type Sealed } from '../log/index.ts'
import { type DomainEvent } from '../catalogue/index.ts'
import { encode } from '../catalogue/definitions.ts'

/** One append of a made-up history. */
export interface HistoryStep {
  readonly stream: string
  readonly event: DomainEvent
  readonly actor: Actor
}

/** What happens next, and to whom: any small numbers make a valid history. */
export interface Choice {
  readonly what: number
  readonly user: number
  readonly client: number
  readonly which: number
}

const hex = (text: string, length = 32): string => createHash('sha256').update(text).digest('hex').slice(0, length)
const hash = (text: string): string => createHash('sha256').update(text).digest('base64url')
const sealed = (text: string): Sealed => `sealed.${hex(text)}.${hash(text)}` as Sealed
const pick = <Item>(items: readonly Item[], index: number): Item | undefined =>
  items.length === 0 ? undefined : items[index % items.length]

const BEGAN = 1_790_000_000

/** A world of users, clients, sessions and grants that goes on by choices; each answers one valid event, or none. */
export function generateHistory(seed = 'world') {
  const users = new Map<string, UserState>()
  const clients = new Map<string, ClientState>()
  const resources = new Map<string, ResourceState>()
  const sessions = new Map<string, SessionState>()
  const grants = new Map<string, GrantState>()
  let now = BEGAN
  let count = 0
  const unique = (kind: string) => hex(`${seed} ${kind} ${(count += 1)}`)
  const asUser = (sub: string): Actor => ({ type: 'user', id: sub })
  const asClient = (id: string): Actor => ({ type: 'client', id })
  const operator: Actor = { type: 'operator', id: 'local' }
  const system: Actor = { type: 'system', id: 'ledgate' }

  function userStep(sub: string, change: number): HistoryStep {
    const old = users.get(sub)
    const stream = `user-${sub}`
    if (old === undefined) {
      const user: UserState = {
        sub,
        epoch: 0,
        disabled: false,
        erased: false,
        email: sealed(`email ${sub}`),
        email_verified: false,
        password: sealed(`password ${sub}`),
        password_set_at: now,
        data_key: hex(`key ${sub}`),
        roles: [],
        entitlements: [],
        registered_at: now,
      }
      users.set(sub, user)
      return {
        stream,
        event: { type: 'UserRegistered', data: { reservation_id: hex(`r ${sub}`), user } },
        actor: system,
      }
    }
    const put = (next: Partial<UserState>): UserState => {
      const user = { ...old, ...next }
      users.set(sub, user)
      return user
    }
    const by = (event: DomainEvent): HistoryStep => ({ stream, event, actor: asUser(sub) })
    const raised = { epoch: old.epoch + 1 }
    switch (change % 8) {
      case 0:
      case 1:
        return by({ type: 'EmailVerified', data: { user: put({ email_verified: true }) } })
      case 2:
        return by({ type: 'ProfileChanged', data: { user: put({ name: sealed(`name ${now}`) }) } })
      case 3:
        return by({ type: 'RolesAssigned', data: { user: put({ roles: ['editor', String(change)] }) } })
      case 4:
        return by({ type: 'PasswordSet', data: { reason: 'change', user: put({ ...raised, password_set_at: now }) } })
      case 5:
        return by({ type: 'UserDisabled', data: { reason: 'test', user: put({ ...raised, disabled: true }) } })
      case 6:
        return by({ type: 'UserEnabled', data: { user: put({ disabled: false }) } })
      default:
        return by({ type: 'UserSessionsRevoked', data: { reason: 'test', user: put(raised) } })
    }
  }

  function emailStep(sub: string, change: number): HistoryStep {
    const stream = `email-${hex(`address ${sub}`, 64)}`
    const reservation_id = hex(`r ${sub}`)
    const data_key = hex(`reservation key ${sub}`)
    const event: DomainEvent =
      change % 3 === 0
        ? {
            type: 'EmailReserved',
            data: { reservation_id, data_key, expires_at: now + 600, registration: sealed(sub) },
          }
        : change % 3 === 1
          ? { type: 'EmailConfirmed', data: { reservation_id, data_key, owner: sealed(sub) } }
          : { type: 'EmailReleased', data: { reservation_id, reason: 'expired' } }
    return { stream, event, actor: ANONYMOUS }
  }

  function clientStep(client_id: string, change: number): HistoryStep {
    const old = clients.get(client_id)
    const client: ClientState = old ?? {
      client_id,
      client_id_issued_at: now,
      epoch: 0,
      disabled: false,
      metadata: {
        redirect_uris: ['https://app.example/callback'],
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['password', 'refresh_token'],
        response_types: [],
        scope: 'read write',
      },
      secrets: [{ secret_id: 's1', sha256: hash(client_id), created_at: now, expires_at: 0 }],
    }
    const next = old && change % 3 === 1 ? { ...client, disabled: !client.disabled, epoch: client.epoch + 1 } : client
    clients.set(client_id, next)
    const type = old === undefined ? 'ClientRegistered' : 'ClientUpdated'
    const event: DomainEvent =
      old && change % 3 === 1
        ? { type: 'ClientDisabled', data: { reason: 'test', client: next } }
        : { type, data: { client: next } }
    return { stream: `client-${client_id}`, event, actor: operator }
  }

  function resourceStep(client_id: string): HistoryStep {
    const old = resources.get(client_id)
    const resource: ResourceState = old ?? {
      client_id,
      registered_at: now,
      disabled: false,
      metadata: { resource: `https://${client_id}.example/`, scopes_supported: ['read', 'write'] },
      secrets: [],
    }
    resources.set(client_id, resource)
    const type = old === undefined ? 'ResourceRegistered' : 'ResourceUpdated'
    return { stream: `resource-${client_id}`, event: { type, data: { resource } }, actor: operator }
  }

  function sessionStep(sub: string, { what, which }: Choice): HistoryStep {
    const old = pick([...sessions.values()].slice(-50), which)
    if (old === undefined || what % 3 === 0) {
      const session: SessionState = {
        sid: unique('session'),
        sub,
        user_epoch: 0,
        ended: 'no',
        auth_time: now,
        amr: ['pwd'],
        touched_at: now,
        idle_expires_at: now + 3_600,
        expires_at: now + 86_400,
      }
      sessions.set(session.sid, session)
      return {
        stream: `session-${session.sid}`,
        event: { type: 'SessionStarted', data: { session } },
        actor: asUser(sub),
      }
    }
    const stream = `session-${old.sid}`
    if (what % 3 === 1) {
      const session = { ...old, touched_at: now, idle_expires_at: now + 3_600 }
      sessions.set(old.sid, session)
      return { stream, event: { type: 'SessionTouched', data: { session } }, actor: asUser(old.sub) }
    }
    const session: SessionState = { ...old, ended: 'revoked' }
    sessions.delete(old.sid)
    return { stream, event: { type: 'SessionRevoked', data: { reason: 'test', session } }, actor: asUser(old.sub) }
  }

  function grantStep(sub: string, client_id: string, { what, which }: Choice): HistoryStep {
    const old = pick([...grants.values()].slice(-50), which)
    if (old === undefined || what % 5 === 0) {
      const grant: GrantState = {
        gid: unique('grant'),
        sub,
        client_id,
        sid: unique('sid'),
        grant_type: 'password',
        scope: ['openid', 'read'],
        aud: ['https://api.example/'],
        auth_time: now,
        amr: ['pwd'],
        user_epoch: 0,
        client_epoch: 0,
        issuer_epoch: 0,
        opened_at: now,
        revoked: false,
        refresh: {
          generation: 0,
          key: 'k1',
          attempt: null,
          rotated_at: now,
          replays: 0,
          by_grace: false,
          previous_by_grace: false,
          expires_at: now + 2_592_000,
          idle_expires_at: now + 604_800,
        },
        revoked_tokens: [],
      }
      grants.set(grant.gid, grant)
      return { stream: `grant-${grant.gid}`, event: { type: 'GrantOpened', data: { grant } }, actor: asUser(sub) }
    }
    const by = { stream: `grant-${old.gid}`, actor: asClient(old.client_id) }
    if (what % 5 === 1 && old.refresh) {
      const refresh = { ...old.refresh, generation: old.refresh.generation + 1, rotated_at: now }
      const grant = { ...old, refresh }
      grants.set(old.gid, grant)
      return { ...by, event: { type: 'RefreshRotated', data: { grant } } }
    }
    if (what % 5 === 2) {
      grants.delete(old.gid)
      return { ...by, event: { type: 'GrantRevoked', data: { reason: 'test', grant: { ...old, revoked: true } } } }
    }
    return { ...by, event: tokenOf(old.client_id, old) }
  }

  function tokenOf(client_id: string, grant?: GrantState): DomainEvent {
    return {
      type: 'TokenIssued',
      data: {
        jti: unique('jti'),
        client_id,
        sub: grant?.sub ?? client_id,
        ...(grant && { gid: grant.gid, sid: grant.sid }),
        scope: ['read'],
        aud: ['https://api.example/'],
        iat: now,
        expires_in: 300,
        kid: 'kid-1',
      },
    }
  }

  return {
    /** One event of this world. */
    next(choice: Choice): HistoryStep {
      now += choice.which % 7
      const sub = `u_${hex(`user ${choice.user}`)}`
      const client_id = `client-${choice.client}`
      const rest: Choice = { ...choice, what: Math.floor(choice.what / 8) }
      switch (choice.what % 8) {
        case 0:
          return userStep(sub, rest.what)
        case 1:
          return emailStep(sub, rest.what)
        case 2:
          return clientStep(client_id, rest.what)
        case 3:
          return resourceStep(`api-${choice.client}`)
        case 4:
          return sessionStep(sub, rest)
        case 5:
        case 6:
          return grantStep(sub, client_id, rest)
        default:
          return { stream: `service-${client_id}-20260101`, event: tokenOf(client_id), actor: asClient(client_id) }
      }
    },
  }
}

/** A step as it goes into a store; `number` makes its ids, so that each is used once. */
export function toNewEvent({ event, actor }: HistoryStep, number: number | string): NewEvent {
  const { data, schema } = encode(event)
  const id = `made-up-${number}`
  return {
    id: eventId(id, 0),
    type: event.type,
    data,
    metadata: { schema, $correlationId: id, $causationId: id, actor },
  }
}
