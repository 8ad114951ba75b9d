// Makes src/vectors.json anew, with new keys: node --conditions=@ledgate/source packages/revocation/test/make-vectors.ts
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  EVENT_TYPES,
  encodeStatement,
  HEARTBEAT_TYPE,
  type IssuedStatement,
  type Notice,
  SET_TYPE,
  SNAPSHOT_TYPE,
} from '../src/statement/index.ts'
import { testSigner } from '../src/testing/index.ts'

const ISSUER = 'https://issuer.example'
const NOW = 1_800_000_000
const LIVE = NOW + 360
const OVER = NOW - 1

const es256 = await testSigner({ kid: 'feed-es256', alg: 'ES256' })
const eddsa = await testSigner({ kid: 'feed-eddsa', alg: 'EdDSA' })
const rs256 = await testSigner({ kid: 'feed-rs256', alg: 'RS256' })
const stranger = await testSigner({ kid: 'feed-es256', alg: 'ES256' })

let made = 0
/** What all notices of the vectors have in common; each has an event of its own. */
function event() {
  made += 1
  return {
    kind: 'notice',
    time: NOW,
    jti: `event-${made}`,
    txn: `request-${made}`,
    position: String(made).padStart(16, '0'),
  } as const
}

const { issuer, client, user, session, online_session, grant, jti, key } = EVENT_TYPES
const notices: [string, Notice][] = [
  [
    'a client was disabled',
    { ...event(), ended: { scope: 'client', id: 'shop', until: LIVE, epoch: 2 }, type: client.epochRaised },
  ],
  [
    'a person was disabled',
    { ...event(), ended: { scope: 'user', id: 'u_disabled', until: LIVE, epoch: 3 }, type: user.accountDisabled },
  ],
  [
    'the same person, before: the lower epoch changes nothing',
    { ...event(), ended: { scope: 'user', id: 'u_disabled', until: LIVE, epoch: 1 }, type: user.sessionRevoked },
  ],
  [
    'a person was erased',
    { ...event(), ended: { scope: 'user', id: 'u_erased', until: LIVE, epoch: 1 }, type: user.accountPurged },
  ],
  [
    'a password was changed',
    { ...event(), ended: { scope: 'user', id: 'u_password', until: LIVE, epoch: 1 }, type: user.credentialChange },
  ],
  [
    'a role was taken away',
    { ...event(), ended: { scope: 'user', id: 'u_role', until: LIVE, epoch: 1 }, type: user.tokenClaimsChange },
  ],
  [
    'a person was disabled, before the issuer was restored from backup',
    {
      ...event(),
      ended: { scope: 'user', id: 'u_restored', until: LIVE, epoch: 7, issuer_epoch: 1 },
      type: user.accountDisabled,
    },
  ],
  [
    'the same person again, after it: the lower epoch is the later one',
    {
      ...event(),
      ended: { scope: 'user', id: 'u_restored', until: LIVE, epoch: 3, issuer_epoch: 2 },
      type: user.sessionRevoked,
    },
  ],
  [
    'a session was revoked',
    { ...event(), ended: { scope: 'session', id: 'session-revoked', until: LIVE }, type: session.sessionRevoked },
  ],
  [
    'a session ended',
    {
      ...event(),
      ended: { scope: 'online_session', id: 'session-ended', until: LIVE },
      type: online_session.sessionEnded,
    },
  ],
  [
    'a grant was revoked',
    { ...event(), ended: { scope: 'grant', id: 'grant-revoked', until: LIVE }, type: grant.grantRevoked },
  ],
  [
    'a token was revoked',
    { ...event(), ended: { scope: 'jti', id: 'token-revoked', until: LIVE }, type: jti.tokenRevoked },
  ],
  [
    'a token was revoked, after a notice that is named',
    {
      ...event(),
      ended: { scope: 'jti', id: 'token-linked', until: LIVE },
      type: jti.tokenRevoked,
      predecessor: '0000000000000010',
    },
  ],
  [
    'a token was revoked, published anew',
    {
      ...event(),
      ended: { scope: 'jti', id: 'token-anew', until: LIVE },
      type: jti.tokenRevoked,
      predecessor: '',
      set: '0000000000000099',
    },
  ],
  [
    'a token was revoked long ago',
    { ...event(), ended: { scope: 'jti', id: 'token-over', until: OVER }, type: jti.tokenRevoked },
  ],
  ['a key was revoked', { ...event(), ended: { scope: 'key', id: 'key-revoked', until: LIVE }, type: key.keyRevoked }],
  [
    'the issuer ended everything of before',
    { ...event(), ended: { scope: 'issuer', id: ISSUER, until: LIVE, epoch: 1 }, type: issuer.epochRaised },
  ],
]
const through = String(made).padStart(16, '0')

const chunk = (index: number, ended: Extract<IssuedStatement, { kind: 'chunk' }>['ended']): IssuedStatement => ({
  kind: 'chunk',
  snapshot: 'snapshot-1',
  index,
  count: 2,
  through,
  at: NOW * 1000,
  ended,
})
const others: [string, IssuedStatement][] = [
  ['a heartbeat', { kind: 'heartbeat', through, at: NOW * 1000 }],
  ['a heartbeat that names the notice before it', { kind: 'heartbeat', through, at: NOW * 1000, predecessor: through }],
  [
    'a snapshot, first part',
    chunk(0, [
      { scope: 'user', id: 'u_snapshot', until: LIVE, epoch: 4 },
      { scope: 'jti', id: 'token-snapshot', until: LIVE },
    ]),
  ],
  [
    'a snapshot, second part',
    chunk(1, [
      { scope: 'client', id: 'shop', until: LIVE, epoch: 1 },
      { scope: 'client', id: 'restored', until: LIVE, epoch: 7, issuer_epoch: 1 },
    ]),
  ],
]

const signers = [es256, eddsa, rs256]
const encode = (statement: IssuedStatement, nth: number) =>
  encodeStatement(statement, { issuer: ISSUER, signer: signers[nth % signers.length] ?? es256, now: () => NOW * 1000 })

const good = await Promise.all(
  [...notices, ...others].map(async ([name, says], nth) => ({ name, jws: await encode(says, nth), says })),
)

const claims = {
  iss: ISSUER,
  iat: NOW,
  jti: 'event-x',
  txn: 'request-x',
  sub_id: { format: 'opaque', id: 'nobody' },
  events: { [grant.grantRevoked]: { event_timestamp: NOW, until: LIVE, position: through } },
}
const forged = (change: object, header: object = {}, by = es256) =>
  by.forge({ typ: SET_TYPE, ...header }, JSON.stringify({ ...claims, ...change }))
const genuine = await forged({})
const [head = '', body = '', signature = ''] = genuine.split('.')
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

const newer = [
  {
    name: 'an event of a newer issuer',
    jws: await forged({ events: { 'urn:ledgate:secevent:weather-changed': { wind: 'north' } } }),
    says: { kind: 'unknown', type: 'urn:ledgate:secevent:weather-changed' },
  },
  {
    name: 'a snapshot of a newer issuer: an entry of an unknown scope is passed over',
    jws: await es256.forge(
      { typ: SNAPSHOT_TYPE },
      JSON.stringify({
        iss: ISSUER,
        iat: NOW,
        snapshot: 'snapshot-2',
        index: 0,
        count: 1,
        through,
        at: NOW * 1000,
        ended: [
          ['planet', 'mars', LIVE, 'anything'],
          ['grant', 'grant-snapshot', LIVE],
        ],
      }),
    ),
    says: {
      kind: 'chunk',
      snapshot: 'snapshot-2',
      index: 0,
      count: 1,
      through,
      at: NOW * 1000,
      ended: [{ scope: 'grant', id: 'grant-snapshot', until: LIVE }],
    },
  },
]

const refused = [
  ['signed by a stranger whose key has the same name', 'signature', await forged({}, {}, stranger)],
  ['changed after it was signed', 'signature', `${head}.${encoded({ ...claims, jti: 'event-y' })}.${signature}`],
  ['not signed', 'alg', `${encoded({ alg: 'none', typ: SET_TYPE, kid: 'feed-es256' })}.${body}.`],
  [
    'signed with a secret',
    'alg',
    `${encoded({ alg: 'HS256', typ: SET_TYPE, kid: 'feed-es256' })}.${body}.${signature}`,
  ],
  ['of a key that is not published', 'unknown_key', await forged({}, { kid: 'feed-other' })],
  ['with a critical header', 'crit', await forged({}, { crit: ['urn:ledgate:test'], 'urn:ledgate:test': true })],
  ['an access token', 'typ', await forged({}, { typ: 'at+jwt' })],
  ['of another issuer', 'issuer', await forged({ iss: 'https://other.example' })],
  ['with exp', 'payload', await forged({ exp: LIVE })],
  ['with sub', 'payload', await forged({ sub: 'u_1' })],
  ['with two events', 'payload', await forged({ events: { ...claims.events, 'urn:other': {} } })],
  [
    'with the subject of another scope',
    'payload',
    await forged({ sub_id: { format: 'iss_sub', iss: ISSUER, sub: 'u_1' } }),
  ],
  [
    'without until',
    'payload',
    await forged({ events: { [grant.grantRevoked]: { event_timestamp: NOW, position: through } } }),
  ],
  [
    'a person of another issuer',
    'payload',
    await forged({
      sub_id: { format: 'iss_sub', iss: 'https://other.example', sub: 'u_1' },
      events: { [user.accountDisabled]: { event_timestamp: NOW, until: LIVE, position: through, epoch: 1 } },
    }),
  ],
  [
    'a heartbeat of another issuer',
    'payload',
    await forged({
      sub_id: { format: 'uri', uri: 'https://other.example' },
      events: { [HEARTBEAT_TYPE]: { through, at: NOW * 1000 } },
    }),
  ],
].map(([name, reason, jws]) => ({ name, jws, refused: reason }))

const alive = {
  jti: 'token-1',
  client_id: 'web',
  sub: 'u_1',
  kid: 'key-1',
  sid: 'session-1',
  gid: 'grant-1',
  scope: 'openid offline_access',
  issuer_epoch: 1,
  client_epoch: 1,
  user_epoch: 1,
}
const service = {
  jti: 'token-2',
  client_id: 'web',
  sub: 'web',
  kid: 'key-1',
  scope: 'orders',
  issuer_epoch: 1,
  client_epoch: 1,
}
const verdicts: [string, Record<string, unknown>, string | null][] = [
  ['of nobody that ended', alive, null],
  ['of a service', service, null],
  ['of before the issuer ended everything', { ...alive, issuer_epoch: 0 }, 'issuer'],
  [
    'without any epoch',
    { ...alive, issuer_epoch: undefined, client_epoch: undefined, user_epoch: undefined },
    'issuer',
  ],
  ['of a disabled client', { ...alive, client_id: 'shop' }, 'client'],
  ['of a disabled client, for a service', { ...service, client_id: 'shop', sub: 'shop' }, 'client'],
  ['of a client that is enabled again', { ...alive, client_id: 'shop', client_epoch: 2 }, null],
  ['of a disabled person', { ...alive, sub: 'u_disabled', user_epoch: 2 }, 'user'],
  ['of a person who signed in again in the same second', { ...alive, sub: 'u_disabled', user_epoch: 3 }, null],
  [
    'of a person, of after a restore and after its notice',
    { ...alive, sub: 'u_restored', issuer_epoch: 2, user_epoch: 5 },
    null,
  ],
  [
    'of a person, of after a restore and before its notice',
    { ...alive, sub: 'u_restored', issuer_epoch: 2, user_epoch: 2 },
    'user',
  ],
  ['of a person, of before a restore', { ...alive, sub: 'u_restored', issuer_epoch: 1, user_epoch: 8 }, 'user'],
  ['of a client, of after a restore', { ...alive, client_id: 'restored', issuer_epoch: 2, client_epoch: 0 }, null],
  ['of a client, of before a restore', { ...alive, client_id: 'restored', issuer_epoch: 1, client_epoch: 6 }, 'client'],
  ['of a person, without an epoch', { ...alive, sub: 'u_password', user_epoch: undefined }, 'user'],
  ['of a person whose password was changed', { ...alive, sub: 'u_password', user_epoch: 0 }, 'user'],
  ['of a revoked session', { ...alive, sid: 'session-revoked' }, 'session'],
  ['of an ended session, with offline_access', { ...alive, sid: 'session-ended' }, null],
  [
    'of an ended session, without offline_access',
    { ...alive, sid: 'session-ended', scope: 'openid' },
    'online_session',
  ],
  ['of a revoked grant', { ...alive, gid: 'grant-revoked' }, 'grant'],
  ['revoked', { ...alive, jti: 'token-revoked' }, 'jti'],
  ['revoked so long ago that it cannot live any more', { ...alive, jti: 'token-over' }, null],
  ['signed with a revoked key', { ...alive, kid: 'key-revoked' }, 'key'],
  ['of a person in the snapshot', { ...alive, sub: 'u_snapshot', user_epoch: 3 }, 'user'],
  ['in the snapshot', { ...alive, jti: 'token-snapshot' }, 'jti'],
  ['of a grant in the snapshot of a newer issuer', { ...alive, gid: 'grant-snapshot' }, 'grant'],
  ['with the name of another scope', { ...alive, gid: 'token-revoked', jti: 'grant-revoked', sid: 'u_disabled' }, null],
]

/** Streams, each read from its beginning: the heartbeats in it confirm what came before, or there is a gap. */
const numbered = (nth: number): string => String(nth).padStart(16, '0')
const ends = (
  nth: number,
  link: { predecessor?: string; set?: string } = { predecessor: numbered(nth - 1) },
): Notice => ({
  ...event(),
  ended: { scope: 'grant', id: `stream-${nth}`, until: LIVE },
  type: grant.grantRevoked,
  position: numbered(nth),
  ...link,
})
const beats = (nth: number, predecessor?: string): IssuedStatement => ({
  kind: 'heartbeat',
  through: numbered(nth),
  at: NOW * 1000,
  ...(predecessor === undefined ? {} : { predecessor }),
})
const whole = (nth: number): IssuedStatement => ({
  kind: 'chunk',
  snapshot: `snapshot-of-${nth}`,
  index: 0,
  count: 1,
  through: numbered(nth),
  at: NOW * 1000,
  ended: [],
})
const first = ends(1, { predecessor: '' })
const set = numbered(9)
const streams: [string, readonly IssuedStatement[], readonly boolean[]][] = [
  ['every notice came', [first, ends(2), beats(2, numbered(2)), beats(3, numbered(2))], [true, true]],
  ['one was held back', [first, ends(3), beats(3, numbered(3))], [false]],
  ['the last was held back', [first, beats(2, numbered(2))], [false]],
  ['one came late, but before the heartbeat', [first, ends(3), ends(2), beats(3, numbered(3))], [true]],
  ['one came after the heartbeat', [first, beats(2, numbered(2)), ends(2), beats(2, numbered(2))], [false, true]],
  ['each came twice, from two publishers', [first, first, ends(2), ends(2), beats(2, numbered(2))], [true]],
  ['a snapshot has what was not heard of', [whole(5), ends(6), beats(6, numbered(6))], [true, true]],
  ['behind a snapshot something is missing', [whole(5), ends(7), beats(7, numbered(7))], [true, false]],
  [
    'everything that still matters, published anew: what is over is not in it',
    [
      ends(3, { predecessor: '', set }),
      ends(7, { predecessor: numbered(3), set }),
      beats(9, numbered(7)),
      ends(10, { predecessor: numbered(9) }),
      beats(10, numbered(10)),
    ],
    [true, true],
  ],
  [
    'part of what was published anew is missing',
    [ends(3, { predecessor: '', set }), ends(7, { predecessor: numbered(5), set }), beats(9, numbered(7))],
    [false],
  ],
  [
    'what was published anew counts once it is closed, not in its middle',
    [ends(3, { predecessor: '', set }), ends(7, { predecessor: numbered(3), set }), beats(8, numbered(7))],
    [false],
  ],
  ['of version 1.0, where nothing names its predecessor', [ends(4, {}), beats(4)], [true]],
  [
    'of version 1.0 beside 1.1, during an update',
    [ends(4, {}), ends(5), beats(5, numbered(5)), beats(6)],
    [true, true],
  ],
]

const vectors = {
  about: 'Test vectors of docs/revocation-notices.md. The keys were made for them and are thrown away.',
  issuer: ISSUER,
  now: NOW,
  jwks: { keys: signers.map(({ jwk }) => jwk) },
  statements: [...good, ...newer, ...refused],
  streams: await Promise.all(
    streams.map(async ([name, said, confirms]) => ({ name, jws: await Promise.all(said.map(encode)), confirms })),
  ),
  tokens: verdicts.map(([name, token, endedBy]) => ({ name, token, endedBy })),
}
writeFileSync(join(import.meta.dirname, '..', 'src', 'vectors.json'), `${JSON.stringify(vectors, null, 2)}\n`)
