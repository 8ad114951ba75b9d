import { createHmac, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { base64url, decodeJwt, decodeProtectedHeader, exportSPKI } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  CHUNK_SIZE,
  EVENT_TYPES,
  encodeStatement,
  HEARTBEAT_TYPE,
  InvalidStatement,
  type Notice,
  openStatements,
  SET_TYPE,
  SNAPSHOT_TYPE,
  type SnapshotChunk,
} from '../src/statement/index.ts'
import { rounds } from '../../../rounds.ts'
import { testSigner } from '../src/testing/test-signer.ts'
import { anyStatement, ISSUER } from './arbitrary.ts'

const now = () => 1_800_000_000_000
const signer = await testSigner()
const other = await testSigner()
const { open } = openStatements({ issuer: ISSUER, keyFor: signer.keyFor })
const encode = (statement: Parameters<typeof encodeStatement>[0]) =>
  encodeStatement(statement, { issuer: ISSUER, signer, now })

const disabled: Notice = {
  kind: 'notice',
  ended: { scope: 'user', id: 'u_1', until: 1_800_000_360, epoch: 7 },
  type: EVENT_TYPES.user.accountDisabled,
  time: 1_800_000_000,
  jti: 'event-1',
  txn: 'request-1',
  position: '0000000000000042',
}
const chunk: SnapshotChunk = {
  kind: 'chunk',
  snapshot: 's1',
  index: 0,
  count: 1,
  through: '42',
  at: now(),
  ended: [disabled.ended],
}

/** The claims that the notice above has on the wire, with whatever a test changes of them. */
const claims = async (change: object = {}) => ({ ...decodeJwt(await encode(disabled)), ...change })
const signed = async (change: object, header: object = { typ: SET_TYPE }) =>
  signer.forge(header, JSON.stringify(await claims(change)))
const event = (change: object) => ({
  events: {
    [EVENT_TYPES.user.accountDisabled]: { event_timestamp: 1, until: 2, epoch: 3, position: '4', ...change },
  },
})

async function refusal(jws: string): Promise<string> {
  const error = await open(jws).then(
    () => 'opened',
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof InvalidStatement)) return String(error)
  expect(error.code).toBe('ERR_INVALID_STATEMENT')
  if (jws.length > 0) expect(`${error.message} ${error.stack}`).not.toContain(jws)
  return error.reason
}

describe('a statement of the issuer', () => {
  it('says to its reader what it was made of, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(anyStatement, async (statement) => {
        expect(await open(await encode(statement))).toEqual(statement)
      }),
      { numRuns: rounds({ quick: 40, long: 1_000 }) },
    )
  })

  it.each(['ES256', 'EdDSA', 'RS256'])('may be signed by %s', async (alg) => {
    const by = await testSigner({ alg, kid: 'k' })
    const jws = await encodeStatement(disabled, { issuer: ISSUER, signer: by, now })
    expect(await openStatements({ issuer: ISSUER, keyFor: by.keyFor }).open(jws)).toEqual(disabled)
  })

  it('is a security event token with one event, a subject of RFC 9493, and neither exp nor sub', async () => {
    const jws = await encode(disabled)
    expect(decodeProtectedHeader(jws)).toEqual({ alg: 'ES256', typ: 'secevent+jwt', kid: 'feed-1' })
    expect(decodeJwt(jws)).toEqual({
      iss: ISSUER,
      iat: 1_800_000_000,
      jti: 'event-1',
      txn: 'request-1',
      sub_id: { format: 'iss_sub', iss: ISSUER, sub: 'u_1' },
      events: {
        'https://schemas.openid.net/secevent/risc/event-type/account-disabled': {
          event_timestamp: 1_800_000_000,
          epoch: 7,
          until: 1_800_000_360,
          position: '0000000000000042',
        },
      },
    })
  })

  it('has what CAEP requires of its types', async () => {
    const changed = async (type: 'credentialChange' | 'tokenClaimsChange') => {
      const { events } = decodeJwt(await encode({ ...disabled, type: EVENT_TYPES.user[type] } as Notice))
      return (events as Record<string, object>)[EVENT_TYPES.user[type]]
    }
    expect(await changed('credentialChange')).toMatchObject({ credential_type: 'password', change_type: 'update' })
    expect(await changed('tokenClaimsChange')).toMatchObject({ claims: { user_epoch: 7 } })
  })

  it('takes only the event types of its scope', () => {
    // @ts-expect-error a person's type in the scope of a grant
    const wrong: Notice = { ...disabled, ended: { scope: 'grant', id: 'g', until: 1 } }
    expect(wrong.kind).toBe('notice')
  })

  it('that says two scopes by one type is told apart by its subject', async () => {
    const type = EVENT_TYPES.session.sessionRevoked
    const session: Notice = { ...disabled, ended: { scope: 'session', id: 's', until: 9 }, type }
    expect(await open(await encode(session))).toEqual(session)
    expect(await open(await encode({ ...disabled, type }))).toEqual({ ...disabled, type })
  })

  it('fits into a chunk ten thousand times, and not once more', async () => {
    const many = Array.from({ length: CHUNK_SIZE }, (_, n) => ({ scope: 'jti' as const, id: `token-${n}`, until: 9 }))
    expect(await open(await encode({ ...chunk, ended: many }))).toEqual({ ...chunk, ended: many })
    await expect(encode({ ...chunk, ended: [...many, disabled.ended] })).rejects.toThrow(RangeError)
    const long = many.map((each) => ({ ...each, id: '\u0001'.repeat(255) }))
    await expect(encode({ ...chunk, ended: long })).rejects.toThrow(RangeError)
  })
})

describe('a newer issuer', () => {
  it('may publish events of unknown types', async () => {
    const type = 'urn:ledgate:secevent:weather-changed'
    const jws = await signed({ events: { [type]: { anything: true } }, sub_id: { format: 'new', shape: 1 } })
    expect(await open(jws)).toEqual({ kind: 'unknown', type })
  })

  it('names a subject by an object all the same, RFC 9493 §3', async () => {
    const events = { 'urn:ledgate:secevent:weather-changed': {} }
    expect(await open(await signed({ events, sub_id: undefined }))).toMatchObject({ kind: 'unknown' })
    for (const sub_id of [null, 'mars', ['mars']])
      expect(await refusal(await signed({ events, sub_id }))).toBe('payload')
  })

  it('may put scopes that are not known here into a snapshot, and more claims anywhere', async () => {
    const { ended, ...rest } = chunk
    const entries = [
      ['planet', 'mars', 9, { any: 'thing' }],
      ['user', 'u_1', 1_800_000_360, 7, 'more'],
    ]
    const payload = JSON.stringify({ iss: ISSUER, iat: 1, ...rest, ended: entries, more: true })
    expect(await open(await signer.forge({ typ: SNAPSHOT_TYPE }, payload))).toEqual({ ...rest, ended })
    expect(await open(await signed({ more: true, ...event({ more: 1 }) }))).toMatchObject({ kind: 'notice' })
  })
})

describe('the epoch of the issuer, beside one that a restore sets back', () => {
  const ending = { scope: 'user', id: 'u_1', until: 2, epoch: 3 } as const
  const ended = async (issuer_epoch: unknown) => {
    const read = await open(await signed(event({ issuer_epoch })))
    return read.kind === 'notice' ? read.ended : undefined
  }

  it('is read from a notice, and from an entry of a snapshot', async () => {
    expect(await ended(2)).toEqual({ ...ending, issuer_epoch: 2 })
    const payload = JSON.stringify({ iss: ISSUER, iat: 1, ...chunk, ended: [['user', 'u_1', 2, 3, 2]] })
    expect(await open(await signer.forge({ typ: SNAPSHOT_TYPE }, payload))).toEqual({
      ...chunk,
      ended: [{ ...ending, issuer_epoch: 2 }],
    })
  })

  it('is not said where it is none, and the notice ends what it ends all the same', async () => {
    for (const none of [undefined, null, '2', -1, 1.5, 2 ** 53, [2]]) expect(await ended(none)).toEqual(ending)
  })
})

describe('what the issuer did not sign', () => {
  it('includes statements that are signed with another key of the same kid', async () => {
    const jws = await encodeStatement(disabled, { issuer: ISSUER, signer: other, now })
    expect(await refusal(jws)).toBe('signature')
  })

  it('includes statements with one changed character', async () => {
    const jws = await encode(disabled)
    const characters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.'
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: jws.length - 1 }), fc.constantFrom(...characters), async (at, character) => {
        fc.pre(jws[at] !== character)
        // The last character of a signature has bits that mean nothing.
        fc.pre(at < jws.length - 1)
        await expect(open(jws.slice(0, at) + character + jws.slice(at + 1))).rejects.toThrow(InvalidStatement)
      }),
      { numRuns: rounds({ quick: 60, long: 1_500 }) },
    )
  })

  it('includes arbitrary text', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.constantFrom('..', '.', 'a.b.c', 'e30..', 'e30.e30.e30')),
        async (text) => {
          await expect(open(text)).rejects.toThrow(InvalidStatement)
        },
      ),
    )
  })

  const headers: [string, object, string][] = [
    ['another typ', { typ: 'at+jwt' }, 'typ'],
    ['the typ as a media type', { typ: 'application/secevent+jwt' }, 'typ'],
    ['the typ of a snapshot', { typ: SNAPSHOT_TYPE }, 'payload'],
    ['no typ', {}, 'malformed'],
    ['a critical header', { typ: SET_TYPE, crit: ['urn:ledgate:test'], 'urn:ledgate:test': 1 }, 'crit'],
    ['a key that nobody knows', { typ: SET_TYPE, kid: 'feed-2' }, 'unknown_key'],
  ]
  it.each(headers)('has %s', async (_, header, reason) => {
    expect(await refusal(await signed({}, header))).toBe(reason)
  })

  it('brings its own key, or signs with the public key as a secret, or not at all', async () => {
    const payload = base64url.encode(JSON.stringify(await claims()))
    const unsigned = (header: object) =>
      `${base64url.encode(JSON.stringify({ typ: SET_TYPE, kid: 'feed-1', ...header }))}`
    expect(await refusal(`${unsigned({ alg: 'none' })}.${payload}.`)).toBe('alg')
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const input = `${unsigned({ alg: 'HS256' })}.${payload}`
    const secret = await exportSPKI(publicKey)
    expect(await refusal(`${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`)).toBe('alg')
    const own = await other.forge({ typ: SET_TYPE, jwk: other.jwk }, JSON.stringify(await claims()))
    expect(await refusal(own)).toBe('signature')
    expect(await refusal(`${unsigned({ alg: 'RS256' })}.${payload}.AAAA`)).toBe('signature')
  })

  const payloads: [string, object, string][] = [
    ['another issuer', { iss: 'https://other.test' }, 'issuer'],
    ['no issuer', { iss: undefined }, 'payload'],
    ['an exp', { exp: 1_900_000_000 }, 'payload'],
    ['a sub', { sub: 'u_1' }, 'payload'],
    ['no jti', { jti: undefined }, 'payload'],
    ['no txn', { txn: undefined }, 'payload'],
    ['no event', { events: {} }, 'payload'],
    ['two events', { events: { a: {}, b: {} } }, 'payload'],
    [
      'the subject of another issuer',
      { sub_id: { format: 'iss_sub', iss: 'https://other.test', sub: 'u' } },
      'payload',
    ],
    ['a subject of another scope', { sub_id: { format: 'opaque', id: 'u_1' } }, 'payload'],
    ['no subject', { sub_id: undefined }, 'payload'],
    ['an epoch that is none', event({ epoch: -1 }), 'payload'],
    ['no epoch', event({ epoch: undefined }), 'payload'],
    ['an until in milliseconds and fractions', event({ until: 1.5 }), 'payload'],
    ['no until', event({ until: undefined }), 'payload'],
    ['no position', event({ position: undefined }), 'payload'],
    [
      'the heartbeat of another issuer',
      {
        events: { [HEARTBEAT_TYPE]: { through: '1', at: 1 } },
        sub_id: { format: 'uri', uri: 'https://other.test' },
      },
      'payload',
    ],
  ]
  it.each(payloads)('says %s', async (_, change, reason) => {
    expect(await refusal(await signed(change))).toBe(reason)
  })

  it('is longer than a statement is, whoever signed it', async () => {
    expect(await refusal(await signed({ padding: 'x'.repeat(64 * 1024) }))).toBe('too_large')
    expect(await refusal('x'.repeat(4 * 1024 * 1024 + 1))).toBe('too_large')
    expect(await refusal(`${'x'.repeat(4_000)}.e30.e30`)).toBe('malformed')
  })

  it('is no JSON, no UTF-8, or no object', async () => {
    for (const payload of ['', '{', 'null', '[]', '"text"'])
      expect(await refusal(await signer.forge({ typ: SET_TYPE }, payload))).toBe('payload')
  })
})

it('is undecided while its key cannot be looked up', async () => {
  const down = new Error('the key set cannot be read')
  const { open: openWhileDown } = openStatements({ issuer: ISSUER, keyFor: () => Promise.reject(down) })
  await expect(openWhileDown(await encode(disabled))).rejects.toBe(down)
})
