import { createHmac, generateKeyPairSync, type webcrypto } from 'node:crypto'
import { CompactSign, CompactEncrypt, exportJWK, exportSPKI, generateKeyPair, importJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createVerifier } from '../src/verifier/index.ts'
import { type Verifier } from '../src/index.ts'
import { type VerifierError, type VerifierErrorCode } from '../src/error/index.ts'
import { refusalOf as refusal } from './outcome.ts'
import {
  AUDIENCE,
  claimsOf,
  ISSUER,
  network,
  optionsFor,
  seconds,
  signingKey,
  type SigningKey,
  tokenBy,
} from './tokens.ts'

const CHALLENGE =
  'Bearer error="invalid_token", error_description="The access token provided is expired, revoked, malformed, or invalid for other reasons"'

const made: {
  es: SigningKey
  rs: SigningKey
  ed: SigningKey
  ps: SigningKey
  stranger: SigningKey
  verifier: Verifier
} = Object.create(null)

beforeAll(async () => {
  const [es, rs, ed, ps, stranger] = await Promise.all([
    signingKey('es'),
    signingKey('rs', 'RS256'),
    signingKey('ed', 'EdDSA'),
    signingKey('ps', 'PS256'),
    signingKey('es'),
  ])
  const verifier = createVerifier(optionsFor([es, rs, ed, ps]))
  await verifier.start()
  Object.assign(made, { es, rs, ed, ps, stranger, verifier })
})

afterAll(() => made.verifier.close())

const b64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const refusalOf = (token: string, verifier = made.verifier): Promise<VerifierError> => refusal(verifier.verify(token))

/** Signed by the issuer's own key over text that is made by hand. */
const raw = (payload: string, header: object = {}) => made.es.sign(header, payload)

const unsigned = (header: object) => `${b64(header)}.${b64(claimsOf())}.`

async function hmacWithPublicKey(): Promise<string> {
  const pem = await exportSPKI((await importJWK(made.rs.jwk, 'RS256')) as webcrypto.CryptoKey)
  const input = `${b64({ alg: 'HS256', kid: 'rs', typ: 'at+jwt' })}.${b64(claimsOf())}`
  return `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`
}

async function byEmbeddedKey(header: (jwk: object) => object): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  return new CompactSign(Buffer.from(JSON.stringify(claimsOf())))
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header(await exportJWK(publicKey)) })
    .sign(privateKey)
}

const tampered = async (change: (parts: string[]) => string[]) => change((await tokenBy(made.es)).split('.')).join('.')

/** The same bytes in base64url with white space that decoders pass over, as much as keeps the length of a whole group. */
const spaced = (text: string): string => `${text.slice(0, 8)} \t\n ${text.slice(8)}`

/** The same bytes in base64url with a bit set that stands for nothing. */
const respelt = (text: string): string => text.replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1))

type Vector = readonly [name: string, make: () => Promise<string> | string, code?: VerifierErrorCode]

const FORGERIES: readonly Vector[] = [
  ['alg none, unsigned', () => unsigned({ alg: 'none', typ: 'at+jwt', kid: 'es' })],
  ['alg None', () => unsigned({ alg: 'None', typ: 'at+jwt', kid: 'es' })],
  ['no alg', () => unsigned({ typ: 'at+jwt', kid: 'es' })],
  ['an empty signature', () => tampered(([header = '', payload = '']) => [header, payload, ''])],
  ['an all-zero signature', () => tampered(([header = '', payload = '']) => [header, payload, b64('\0'.repeat(64))])],
  ['HS256 by the public RSA key', hmacWithPublicKey],
  ['the kid of another key', () => tokenBy(made.es, {}, { kid: 'ed' })],
  ['PS256 by the key of RS256', () => tokenBy(made.ps, {}, { kid: 'rs' })],
  ['a stranger under a kid of the issuer', () => tokenBy(made.stranger)],
  ['a kid that nobody knows', () => tokenBy(made.es, {}, { kid: 'unknown' })],
  ['a stranger without a kid', () => tokenBy(made.stranger, {}, { kid: undefined })],
  ['a number for a kid', () => tokenBy(made.es, {}, { kid: 7 })],
  ['an empty kid', () => tokenBy(made.es, {}, { kid: '' })],
  ['a path for a kid', () => tokenBy(made.es, {}, { kid: '../../dev/null' })],
  ['__proto__ for a kid', () => tokenBy(made.es, {}, { kid: '__proto__' })],
  ['an embedded jwk', () => byEmbeddedKey((jwk) => ({ jwk, kid: 'es' }))],
  ['an embedded jwk without kid', () => byEmbeddedKey((jwk) => ({ jwk }))],
  ['a jku', () => byEmbeddedKey(() => ({ jku: 'https://evil.example/jwks', kid: 'evil' }))],
  ['an x5u', () => byEmbeddedKey(() => ({ x5u: 'https://evil.example/x5u', kid: 'evil' }))],
  [
    'crit that is not understood',
    () => tokenBy(made.es, {}, { crit: ['urn:example:extension'], 'urn:example:extension': 1 }),
  ],
  [
    'a payload that says it is not encoded (RFC 7797), and is',
    () => made.es.signText('{"alg":"ES256","kid":"es","typ":"at+jwt","b64":false,"crit":["b64"]}'),
  ],
  ['alg twice, none of them last', () => made.es.signText('{"alg":"ES256","kid":"es","typ":"at+jwt","alg":"none"}')],
  ['kid twice, a wrong one last', () => made.es.signText('{"alg":"ES256","kid":"es","typ":"at+jwt","kid":"ed"}')],
  ['typ twice, a wrong one last', () => made.es.signText('{"alg":"ES256","kid":"es","typ":"at+jwt","typ":"JWT"}')],
  ['a changed payload', () => tampered(([header = '', , sig = '']) => [header, b64(claimsOf({ sub: 'admin' })), sig])],
  [
    'a changed signature',
    () =>
      tampered(([header = '', payload = '', sig = '']) => [
        header,
        payload,
        sig.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')),
      ]),
  ],
  ['white space around', async () => ` ${await tokenBy(made.es)} `],
  ['a header that is no JSON', () => tampered(([, payload = '', sig = '']) => [b64('{'), payload, sig])],
  ['a header that is null', () => tampered(([, payload = '', sig = '']) => [b64('null'), payload, sig])],
  ['no base64url', () => tampered(([header = '', payload = '', sig = '']) => [header, `${payload}+/=`, sig])],
  [
    'a signature in another spelling',
    () => tampered(([header = '', payload = '', sig = '']) => [header, payload, respelt(sig)]),
  ],
  [
    'white space within the signature',
    () => tampered(([header = '', payload = '', sig = '']) => [header, payload, spaced(sig)]),
  ],
  ['padding behind the signature', async () => `${await tokenBy(made.es)}==`],
  ['two parts', () => tampered((parts) => parts.slice(0, 2))],
  ['six parts', () => tampered((parts) => [...parts, ...parts])],
  ['JSON serialization', async () => JSON.stringify({ payload: b64(claimsOf()), signatures: [] })],
  ['an opaque token', () => 'opaque'],
  ['a token longer than 16 KiB', () => tokenBy(made.es, { padding: 'x'.repeat(16_384) })],
]

const IMPOSTORS: readonly Vector[] = [
  ['an ID token', () => tokenBy(made.es, {}, { typ: 'JWT' })],
  ['a token without typ', () => tokenBy(made.es, {}, { typ: undefined })],
  ['a notice', () => tokenBy(made.es, {}, { typ: 'secevent+jwt' })],
  ['a DPoP proof', () => tokenBy(made.es, {}, { typ: 'dpop+jwt' })],
  ['typ as a list', () => tokenBy(made.es, {}, { typ: ['at+jwt'] })],
  ['another issuer', () => tokenBy(made.es, { iss: 'https://evil.example' })],
  ['the issuer with a slash', () => tokenBy(made.es, { iss: `${ISSUER}/` })],
  ['the issuer in a list', () => tokenBy(made.es, { iss: [ISSUER] })],
  ['another audience', () => tokenBy(made.es, { aud: 'https://other.example' })],
  ['an audience that begins like ours', () => tokenBy(made.es, { aud: `${AUDIENCE}.evil.example` })],
  ['an empty list of audiences', () => tokenBy(made.es, { aud: [] })],
  ['a nested list of audiences', () => tokenBy(made.es, { aud: [[AUDIENCE]] })],
  ['an audience as an object', () => tokenBy(made.es, { aud: { 0: AUDIENCE, length: 1 } })],
  ['no audience', () => tokenBy(made.es, { aud: undefined })],
  ['no sub', () => tokenBy(made.es, { sub: undefined })],
  ['no client_id', () => tokenBy(made.es, { client_id: undefined })],
  ['no iat', () => tokenBy(made.es, { iat: undefined })],
  ['no exp', () => tokenBy(made.es, { exp: undefined })],
  ['no jti', () => tokenBy(made.es, { jti: undefined })],
  ['an empty jti', () => tokenBy(made.es, { jti: '' })],
  ['a sub longer than a notice can name', () => tokenBy(made.es, { sub: 's'.repeat(256) })],
  ['a sid that is no string', () => tokenBy(made.es, { sid: ['session-1'] })],
  ['an epoch that is no number', () => tokenBy(made.es, { user_epoch: '1' })],
  ['exp as text', () => tokenBy(made.es, { exp: String(seconds() + 60) })],
  ['exp without end', () => raw(JSON.stringify(claimsOf()).replace(/"exp":\d+/, '"exp":1e999'))],
  ['a life longer than the cap', () => tokenBy(made.es, { exp: seconds() + 3_700 })],
  ['issued in the future', () => tokenBy(made.es, { iat: seconds() + 60 })],
  ['not valid yet', () => tokenBy(made.es, { nbf: seconds() + 60 })],
  ['expired', () => tokenBy(made.es, { iat: seconds() - 600, exp: seconds() - 60 }), 'token_expired'],
  [
    'exp twice, the last of them over',
    () => raw(JSON.stringify(claimsOf()).replace(/}$/, `,"exp":${seconds() - 60}}`)),
    'token_expired',
  ],
  ['claims that are a list', () => raw('[]')],
  ['claims that are null', () => raw('null')],
  ['claims that are no JSON', () => raw('{"iss"')],
  ['claims that are no UTF-8', () => raw('').then((token) => token.replace('..', '._w.'))],
  ['bound to a certificate', () => tokenBy(made.es, { cnf: { 'x5t#S256': 'abc' } })],
  ['bound to a key we do not check', () => tokenBy(made.es, { cnf: { jkt: 'abc' } })],
  ['bound to nothing that we can read', () => tokenBy(made.es, { cnf: {} })],
]

const VECTORS = [...FORGERIES, ...IMPOSTORS].map(([name, make, code = 'invalid_token']) => ({ name, make, code }))

describe('a forged token', () => {
  it.each(VECTORS)('is refused without the reason in the answer: $name', async ({ make, code }) => {
    const token = await make()
    const refused = await refusalOf(token)
    expect({ code: refused.code, status: refused.status, error: refused.error, headers: refused.headers }).toEqual({
      code,
      status: 401,
      error: 'invalid_token',
      headers: { 'WWW-Authenticate': CHALLENGE },
    })
  })

  it('is never quoted in an error', async () => {
    for (const { make } of VECTORS) {
      const token = await make()
      const refused = await refusalOf(token)
      const said = [
        refused.message,
        refused.detail,
        refused.stack,
        JSON.stringify(refused),
        String(refused.cause),
      ].join()
      for (const part of token.split('.').filter((each) => each.length > 16)) expect(said).not.toContain(part)
      expect(refused.cause).toBeUndefined()
    }
  })

  it('control: the same ways of making one give a good token when nothing is wrong with it', async () => {
    for (const key of [made.es, made.rs, made.ed])
      expect(await made.verifier.verify(await tokenBy(key))).toMatchObject({ sub: 'user-1' })
    expect(await made.verifier.verify(await raw(JSON.stringify(claimsOf())))).toMatchObject({ sub: 'user-1' })
    const header = '{"alg":"none","kid":"ed","typ":"JWT","alg":"ES256","kid":"es","typ":"at+jwt"}'
    expect(await made.verifier.verify(await made.es.signText(header))).toMatchObject({ sub: 'user-1' })
    expect(await made.verifier.verify(await tokenBy(made.es, {}, { typ: 'application/AT+JWT' }))).toBeDefined()
    const aud = ['https://other.example', AUDIENCE]
    expect(await made.verifier.verify(await tokenBy(made.es, { aud }))).toMatchObject({ audience: aud })
  })

  it('is not taken by an algorithm that is not listed, although the issuer publishes such a key', async () => {
    await using verifier = createVerifier(optionsFor([made.es, made.ps], { algorithms: ['PS256'] }))
    await verifier.start()
    expect((await refusalOf(await tokenBy(made.es), verifier)).code).toBe('invalid_token')
    expect(await verifier.verify(await tokenBy(made.ps))).toBeDefined()
  })
})

describe('no token at all', () => {
  it.each(['', undefined, null, 7])('is answered without an error code, RFC 6750 §3.1: %j', async (nothing) => {
    expect(made.verifier.verifySync(nothing as string)).toBeUndefined()
    const { status, code, error, headers } = await refusalOf(nothing as string)
    expect({ status, code, error, headers }).toEqual({
      status: 401,
      code: 'missing_token',
      error: undefined,
      headers: { 'WWW-Authenticate': 'Bearer' },
    })
  })
})

describe('tokens of several issuers', () => {
  it('are taken by the keys and for the audience of their own issuer only', async () => {
    const other = 'https://other-issuer.example'
    const theirs = await signingKey('es')
    await using verifier = createVerifier({
      audience: AUDIENCE,
      issuers: [
        { issuer: ISSUER, revocations: false, jwks: { fetch: network({ [ISSUER]: [made.es.jwk] }) } },
        {
          issuer: other,
          audience: ['https://b.example', 'https://c.example'],
          revocations: false,
          jwks: { fetch: network({ [other]: [theirs.jwk] }) },
        },
      ],
    })
    await verifier.start()
    expect(await verifier.verify(await tokenBy(made.es))).toMatchObject({ issuer: ISSUER })
    const good = { iss: other, aud: 'https://c.example' }
    expect(await verifier.verify(await tokenBy(theirs, good))).toMatchObject({ issuer: other })
    for (const forged of [
      tokenBy(made.es, good),
      tokenBy(theirs),
      tokenBy(theirs, { iss: other }),
      tokenBy(made.es, { iss: 'https://third.example' }),
    ])
      expect((await refusalOf(await forged, verifier)).code).toBe('invalid_token')
  })
})

describe('encrypted tokens', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const decryptionKeys = async () => [
    { ...(await exportJWK(ec.privateKey)), kid: 'enc-ec', alg: 'ECDH-ES' },
    { ...(await exportJWK(rsa.privateKey)), kid: 'enc-rsa', alg: 'RSA-OAEP-256' },
  ]
  const encrypt = (jwt: string, header: object, key = ec.publicKey) =>
    new CompactEncrypt(Buffer.from(jwt))
      .setProtectedHeader({
        alg: 'ECDH-ES',
        enc: 'A256GCM',
        typ: 'at+jwt',
        cty: 'JWT',
        kid: 'enc-ec',
        locator: 'x',
        ...header,
      })
      .encrypt(key)

  const opened = async () => {
    const verifier = createVerifier(optionsFor([made.es], { decryptionKeys: await decryptionKeys() }))
    await verifier.start()
    return verifier
  }

  it.each([
    ['ECDH-ES', { enc: 'A128CBC-HS256' }, ec.publicKey],
    ['RSA-OAEP-256', { kid: 'enc-rsa' }, rsa.publicKey],
    ['ECDH-ES', { kid: undefined }, ec.publicKey],
  ])('are opened, and then verified as any other: %s %j', async (alg, header, key) => {
    await using verifier = await opened()
    const token = await encrypt(await tokenBy(made.es), { alg, ...header }, key)
    const principal = await verifier.verify(token)
    expect(principal).toMatchObject({ sub: 'user-1' })
    expect(verifier.verifySync(token)).toBe(principal)
  })

  it('are refused if the inner token is not signed by the issuer, or they are for another resource server', async () => {
    await using verifier = await opened()
    const inner = await tokenBy(made.es)
    const another = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
    for (const token of [
      encrypt(unsigned({ alg: 'none', typ: 'at+jwt', kid: 'es' }), {}),
      encrypt(JSON.stringify(claimsOf()), {}),
      encrypt(await tokenBy(made.stranger), {}),
      encrypt(await encrypt(inner, {}), {}),
      encrypt(inner, { cty: undefined }),
      encrypt(inner, { zip: 'DEF' }),
      encrypt(inner, { kid: 'unknown' }),
      encrypt(inner, { alg: 'ECDH-ES+A128KW' }),
      encrypt(inner, {}, another),
    ])
      expect((await refusalOf(await token, verifier)).code).toBe('invalid_token')
    expect((await refusalOf(await encrypt(inner, {}))).code).toBe('invalid_token')
  })

  it('need keys with an alg', async () => {
    const [key] = await decryptionKeys()
    expect(() => createVerifier(optionsFor([], { decryptionKeys: [{ ...key, alg: 'RSA1_5', kty: 'RSA' }] }))).toThrow(
      TypeError,
    )
    expect(() => createVerifier(optionsFor([], { decryptionKeys: [{ kty: 'EC', alg: 'ECDH-ES' }] }))).toThrow(TypeError)
  })
})
