import type { Decider } from '@ledgate/eventsourcing'
import { MAX_AUTHORIZATION_BYTES, MAX_METADATA_BYTES, NewClientMetadata, NewResourceMetadata } from '@ledgate/oauth'
import { email, emailChange } from '../email-address/index.ts'
import { installation } from '../issuer-epoch/issuer-epoch.decider.ts'
import { nameOwner } from '../name/name.decider.ts'
import { login } from '../sign-in/login.decider.ts'
import { placesOfUser } from '../sign-in/places.decider.ts'
import { tokenCap } from '../token-cap/token-cap.decider.ts'
import { user } from '../user/index.ts'
import { administrators } from '../admin/administrators/administrators.decider.ts'
import { client } from '../client/client.decider.ts'
import { grant } from '../grant/index.ts'
import type { DomainEvent } from '../catalogue/index.ts'
import type { Sealed } from '../log/index.ts'
import { resource } from '../resource/resource.decider.ts'
import { session } from '../session/session.decider.ts'
import { keyring } from '../signing-key/keyring.decider.ts'

/** The life of one stream: whatever may be asked of its decider, each thing as large as it is ever let through. */
export interface History {
  /** Commands that may be chosen from, at each step. */
  readonly choices: number
  /**
   * Lives through the choices.
   *
   * @param every how many steps are taken before one is looked at.
   * @returns what the choice led to, and what every ending would be if it were asked for.
   */
  run(choices: Iterable<number>, every: number): Generator<readonly DomainEvent[]>
}

interface Life<State, Command> {
  readonly begin: readonly Command[]
  /** `n` is the number of the step: it makes names unique, and is the time. */
  readonly acts: (n: number, state: State) => readonly Command[]
  readonly endings: (n: number, state: State) => readonly Command[]
}

/** In two steps, so that what a decider may be asked is known before it is written down. */
const historyOf =
  <State, Command, Event extends DomainEvent>(decider: Decider<State, Command, Event>) =>
  (life: Life<State, Command>): History =>
    lived(decider, life)

function lived<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  { begin, acts, endings }: Life<State, Command>,
): History {
  /** What is refused changes nothing; whether it should be is the business of the decider's own tests. */
  function decide(command: Command, state: State): readonly Event[] {
    try {
      return decider.decide(command, state)
    } catch {
      return []
    }
  }
  const evolve = (state: State, events: readonly Event[]) =>
    events.reduce((before, event) => decider.evolve(before, event), state)
  const begun = begin.reduce((state, command) => evolve(state, decide(command, state)), decider.initialState)
  return {
    choices: acts(0, begun).length,
    *run(choices, every) {
      let [state, n] = [begun, 0]
      for (const choice of choices) {
        n += 1
        const all = acts(n, state)
        const command = all[choice % all.length]
        const events = command === undefined ? [] : decide(command, state)
        state = evolve(state, events)
        if (n % every !== 0) continue
        yield events
        for (const ending of endings(n, state)) yield decide(ending, state)
      }
    },
  }
}

/** Two hundred characters, each of which JSON writes as six. */
const reason = '\u0001'.repeat(200)
const longestName = { kind: 'scope', name: 's'.repeat(MAX_METADATA_BYTES) } as const
const id = (n: number) => String(n).padStart(32, '0')
const sub = (n: number) => `u_${id(n)}`
const clientId = 'c'.repeat(100)
/** An address, a name of 256 characters or a hash, each of three bytes, and sealed. */
const sealed = (n: number) => `sealed.${String(n).padEnd(1_200, 'x')}` as Sealed
const registration = (n: number) => `sealed.${String(n).padEnd(8_000, 'x')}` as Sealed
const secret = (n: number) => ({ secret_id: id(n), sha256: 'h'.repeat(43), created_at: n, expires_at: 0 })

/** Metadata of as many bytes as are taken. */
function largestClient(letter: string) {
  const of = (length: number) => ({
    grant_types: ['client_credentials' as const],
    redirect_uris: Array.from({ length: 60 }, (_, n) => `https://app.example/${n}`.padEnd(length, letter)),
  })
  let length = 200
  while (NewClientMetadata.safeParse(of(length + 1)).success) length += 1
  return NewClientMetadata.parse(of(length))
}

function largestResource(letter: string) {
  const of = (length: number) => ({
    resource: 'https://api.example/',
    scopes_supported: Array.from({ length: 100 }, (_, n) => String(n).padEnd(length, letter)),
  })
  let length = 100
  while (NewResourceMetadata.safeParse(of(length + 1)).success) length += 1
  return NewResourceMetadata.parse(of(length))
}

/** A key of RSA, the largest that signs. */
const key = (n: number) => ({
  kid: id(n).padEnd(43, 'k'),
  alg: 'RS256',
  public_jwk: {
    kty: 'RSA',
    n: 'n'.repeat(342),
    e: 'AQAB',
    kid: id(n).padEnd(43, 'k'),
    alg: 'RS256',
    use: 'sig',
  },
})

const applications = <Metadata>(metadata: readonly [Metadata, Metadata]) => ({
  begin: [
    { type: 'Register', client_id: clientId, metadata: metadata[0], secrets: [secret(0), secret(1)], now: 1 } as const,
  ],
  acts: (n: number) =>
    [
      { type: 'Update', metadata: metadata[n % 2] ?? metadata[0] },
      { type: 'AddSecret', secret: secret(n + 2), now: n },
      { type: 'RevokeSecret', secret_id: id(n) },
      { type: 'Disable', reason },
      { type: 'Enable' },
    ] as const,
})

const secretsOf = (state: { readonly secrets: readonly { readonly secret_id: string }[] } | undefined) =>
  (state?.secrets ?? []).map(({ secret_id }) => ({ type: 'RevokeSecret', secret_id }) as const)

const rights = { roles: ['r'.repeat(MAX_AUTHORIZATION_BYTES - 10)], entitlements: [] }
const reservation = (n: number) => ({
  reservation_id: id(n),
  data_key: 'k'.repeat(64),
  expires_at: n,
  registration: registration(n),
})

/** As much as a token of 12,288 characters can say, and more. */
const scope = Array.from({ length: 100 }, (_, n) => String(n).padEnd(100, 's'))
const opened = {
  gid: id(1),
  sid: id(1),
  sub: sub(1),
  client_id: clientId,
  grant_type: 'password',
  scope,
  aud: scope,
  auth_time: 1,
  amr: ['pwd'],
  user_epoch: 1,
  client_epoch: 1,
  issuer_epoch: 1,
  opened_at: 1,
}
const refresh = { key: 'd'.repeat(16), expires_at: 1e9, idle_expires_at: 1e9 }
const token = {
  ...{ jti: id(1), client_id: clientId, sub: sub(1), gid: id(1), sid: id(1), scope, aud: scope },
  ...{ iat: 1, expires_in: 300, kid: key(1).kid },
}

/** One history for each decider, by the file that it is in: the test that walks them fails for a file that is not here. */
export const largestHistories: Readonly<Record<string, History>> = {
  'issuer-epoch/issuer-epoch.decider.ts': historyOf(installation)({
    begin: [],
    acts: (n) => [
      { type: 'Raise', reason, nowMs: n },
      { type: 'Raise', reason, nowMs: Number.MAX_SAFE_INTEGER },
    ],
    endings: (n) => [{ type: 'Raise', reason, nowMs: n }],
  }),
  'token-cap/token-cap.decider.ts': historyOf(tokenCap)({
    begin: [],
    acts: (n) => [
      { type: 'Raise', seconds: n },
      { type: 'Raise', seconds: 1 },
    ],
    endings: () => [],
  }),
  'name/name.decider.ts': historyOf(nameOwner)({
    begin: [],
    acts: () => [
      { type: 'Reserve', name: longestName, owner: `client ${clientId}` },
      { type: 'Reserve', name: longestName, owner: `resource ${clientId}` },
      { type: 'Release', name: longestName, owner: `client ${clientId}` },
    ],
    endings: () => [{ type: 'Release', name: longestName, owner: `client ${clientId}` }],
  }),
  'sign-in/places.decider.ts': historyOf(placesOfUser)({
    begin: [],
    acts: (n) => [
      { type: 'RecordPlaces', places: sealed(n) },
      { type: 'RecordPlaces', places: registration(n) },
    ],
    endings: () => [],
  }),
  'email-address/email.decider.ts': historyOf(email)({
    begin: [],
    acts: (n, state) => {
      const current = 'reservation_id' in state ? state.reservation_id : id(n)
      const owned = { reservationId: current, owner: sealed(n) }
      return [
        { type: 'Reserve', reservation: reservation(n), now: n },
        {
          type: 'Assign',
          reservation: reservation(n),
          owner: sealed(n),
          proof: { mail_id: id(n), replaces: 'h'.repeat(64) },
        },
        { type: 'Confirm', ...owned, mailId: id(n), password: sealed(n) },
        { type: 'GiveUp', reservationId: current, reason },
        { type: 'Release', reservationId: current, reason },
      ]
    },
    endings: (n, state) => {
      const reservationId = 'reservation_id' in state ? state.reservation_id : id(n)
      return [
        { type: 'GiveUp', reservationId, reason },
        { type: 'Release', reservationId, reason },
      ]
    },
  }),
  'email-address/email-change.decider.ts': historyOf(emailChange)({
    begin: [],
    acts: (n) => [
      { type: 'Ask', mailId: id(n) },
      { type: 'Redeem', mailId: id(n - 1) },
    ],
    endings: () => [],
  }),
  'sign-in/login.decider.ts': historyOf(login)({
    begin: [],
    acts: (n) => [
      { type: 'Fail', failures: n, reason },
      { type: 'Fail', failures: n, reason, until: n },
      { type: 'Succeed', failures: n },
    ],
    endings: () => [],
  }),
  'user/user.decider.ts': historyOf(user)({
    begin: [
      {
        type: 'Register',
        reservationId: id(0),
        user: {
          ...{ sub: sub(0), email: sealed(0), password: sealed(0), data_key: 'k'.repeat(64), name: sealed(0) },
          ...{ ...rights, now: 0 },
        },
      },
    ],
    acts: (n, state) => [
      { type: 'VerifyEmail', chosen: { password: sealed(n), now: n } },
      { type: 'SetPassword', reason: 'administrator', chosen: { password: sealed(n), now: n } },
      { type: 'ChangeEmail', from: state?.email ?? sealed(0), email: sealed(n), reservationId: id(n) },
      { type: 'ChangeName', name: sealed(n) },
      { type: 'Disable', reason },
      { type: 'Enable' },
      { type: 'AssignRoles', roles: [], entitlements: [] },
      { type: 'AssignRoles', ...rights },
      { type: 'RevokeSessions', reason },
    ],
    endings: (n) => [
      { type: 'SetPassword', reason: 'administrator', chosen: { password: sealed(n), now: n } },
      { type: 'Disable', reason },
      { type: 'AssignRoles', roles: [], entitlements: [] },
      { type: 'RevokeSessions', reason },
      { type: 'Erase', reason },
    ],
  }),
  'admin/administrators/administrators.decider.ts': historyOf(administrators)({
    // More than would fit, by either way.
    begin: Array.from({ length: 3_400 }, (_, n) =>
      n % 2 === 0
        ? ({ type: 'Add', sub: sub(n + 1_000) } as const)
        : ({ type: 'AddFirst', sub: sub(n + 1_000), able: [] } as const),
    ),
    acts: (n) => [
      { type: 'Add', sub: sub(n) },
      { type: 'AddFirst', sub: sub(n), able: [] },
      { type: 'Remove', sub: sub(n - 1), reason, able: [sub(1_000)] },
    ],
    endings: (n) => [{ type: 'Remove', sub: sub(1_001 + (n % 400)), reason, able: [sub(1_000)] }],
  }),
  'client/client.decider.ts': historyOf(client)({
    ...applications([largestClient('a'), largestClient('b')]),
    endings: (_, state) => [
      { type: 'Disable', reason },
      { type: 'Update', metadata: NewClientMetadata.parse({}) },
      ...secretsOf(state),
    ],
  }),
  'resource/resource.decider.ts': historyOf(resource)({
    ...applications([largestResource('a'), largestResource('b')]),
    endings: (_, state) => [{ type: 'Disable', reason }, ...secretsOf(state)],
  }),
  'grant/grant.decider.ts': historyOf(grant)({
    begin: [{ type: 'Open', grant: opened, refresh, token }],
    acts: (n, state) => {
      const generation = state?.refresh?.generation ?? 0
      const { key: named = '' } = state?.refresh ?? {}
      const from = { source: 'f'.repeat(43), spent: { attempt: null, source: 'f'.repeat(43) } }
      const present = {
        type: 'PresentRefreshToken',
        key: named,
        now: n,
        grace: 1e6,
        idleFor: 1e9,
        token,
        ...from,
      } as const
      const nextKey = 'e'.repeat(16)
      return [
        { ...present, generation, attempt: 'a'.repeat(43), nextKey },
        { ...present, generation, attempt: null, nextKey },
        { ...present, generation: generation - 1, attempt: null, nextKey },
        { ...present, generation: generation - 1, attempt: 'a'.repeat(43), nextKey },
      ]
    },
    endings: (_, state) => [
      { type: 'Revoke', reason },
      { type: 'EndForReuse', generation: state?.refresh?.generation ?? 0 },
    ],
  }),
  'session/session.decider.ts': historyOf(session)({
    begin: [
      {
        ...{ type: 'Start', sid: id(1), sub: sub(1), userEpoch: 1, amr: ['pwd', 'otp', 'hwk', 'user', 'mfa'] },
        ...{ now: 0, idleFor: 1e9, lastsFor: 1e9 },
      },
    ],
    acts: (n) => [{ type: 'Touch', now: n * 1_000, idleFor: 1e9 }],
    endings: () => [
      { type: 'Revoke', reason },
      { type: 'End', reason },
    ],
  }),
  // The vault destroys nothing, and whatever was superseded is needed for ever.
  'signing-key/keyring.decider.ts': historyOf(keyring)({
    begin: [{ type: 'Begin', active: key(10_000), standby: key(10_001), now: 0 }],
    acts: (n, { keys }) => {
      const of = (status: string) => keys.find((each) => each.status === status)?.kid ?? ''
      const made = { standby: key(n), now: n }
      return [
        { type: 'Rotate', publishedFor: 0, ...made },
        { type: 'RotateWhenDue', publishedFor: 0, period: 0, ...made },
        { type: 'Compromise', kid: of('active'), ...made },
        { type: 'Compromise', kid: of('standby'), ...made },
        { type: 'Compromise', kid: of('retiring'), ...made },
        { type: 'ReplaceStandby', now: n, standby: { ...key(n), alg: n % 2 === 0 ? 'ES256' : 'RS256' } },
        { type: 'Retire', now: n, keepFor: 100 },
      ]
    },
    endings: (n, { keys }) => [
      ...['active', 'standby', 'retiring'].map((status) => {
        const kid = keys.find((each) => each.status === status)?.kid ?? ''
        return { type: 'Compromise', kid, standby: key(n + 5_000), now: n } as const
      }),
      { type: 'Retire', now: n, keepFor: 0 },
    ],
  }),
}

/** What is written without a decider, as large as it gets. */
export const singleEvents: readonly DomainEvent[] = [
  { type: 'ServiceTokenRevoked', data: { jti: id(1), client_id: clientId, exp: 1e10 } },
  { type: 'TokenRevoked', data: { jti: id(1), exp: 1e10, grant: grantOfToken() } },
]

/** As `revokeGrantToken` writes it. */
function grantOfToken() {
  return { ...opened, scope: [], aud: [], revoked: false, revoked_tokens: [], refresh: null }
}
