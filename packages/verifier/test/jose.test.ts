import fc from 'fast-check'
import { decodeProtectedHeader, importJWK, type JWK, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { createVerifier } from '../src/verifier/index.ts'
import { type SignatureAlgorithm, type Verifier } from '../src/index.ts'
import { codeOf } from './outcome.ts'
import { AUDIENCE, claimsOf, ISSUER, optionsFor, signingKey, type SigningKey } from './tokens.ts'

const ALGORITHMS: readonly SignatureAlgorithm[] = ['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'PS256']
const REQUIRED = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id']

/** How a part may be spelled: as RFC 7515 §2 says, and as decoders forgive. */
const SPELLINGS: Readonly<Record<string, (bytes: Buffer) => string>> = {
  base64url: (bytes) => bytes.toString('base64url'),
  padded: (bytes) => `${bytes.toString('base64url')}=`,
  base64: (bytes) => bytes.toString('base64'),
  spaced: (bytes) => bytes.toString('base64url').replace(/^../, '$& '),
  broken: (bytes) => `${bytes.toString('base64url')}\n`,
  'one letter more': (bytes) => `${bytes.toString('base64url')}A`,
}
const spelling = fc.oneof(
  { weight: 4, arbitrary: fc.constant('base64url') },
  { weight: 1, arbitrary: fc.constantFrom(...Object.keys(SPELLINGS)) },
)
const spelled = (how: string, text: string | Buffer): string => SPELLINGS[how]?.(Buffer.from(text)) ?? ''

const header = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<object>(
      { typ: 'application/AT+JWT' },
      { typ: 'JWT' },
      { typ: undefined },
      { crit: ['b64'], b64: false },
      { crit: ['b64'], b64: true },
      { b64: false },
      { crit: [] },
      { alg: 'none' },
      { alg: 'HS256' },
      { alg: 'ES256K' },
      { alg: undefined },
      { zip: 'DEF' },
    ),
  },
)

/** What is around good claims, or instead of them. */
const payload = fc.oneof(
  { weight: 4, arbitrary: fc.constant((good: string) => Buffer.from(good)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<(good: string) => Buffer>(
      (good) => Buffer.from(`\ufeff${good}`),
      (good) => Buffer.from(` ${good}\n`),
      (good) => Buffer.from(`${good}\0`),
      (good) => Buffer.from(good.slice(0, -1)),
      (good) => Buffer.from(`[${good}]`),
      (good) => Buffer.from(good, 'utf16le'),
      (good) =>
        Buffer.concat([Buffer.from(good.slice(0, -1)), Buffer.from(',"a":"'), Buffer.of(0xff), Buffer.from('"}')]),
      (good) => Buffer.from(`${good.slice(0, -1)},"iss":"https://other.example"}`),
      () => Buffer.from('null'),
      () => Buffer.alloc(0),
    ),
  },
)

/** What becomes of the text on its way. */
const damage = fc.oneof(
  { weight: 1, arbitrary: fc.constant((text: string) => text) },
  {
    weight: 1,
    arbitrary: fc
      .record({ at: fc.nat(), gone: fc.nat(2), by: fc.constantFrom('', 'A', 'w', '-', '.', '=', ' ', '\u0100', '..') })
      .map(({ at, gone, by }) => (text: string) => {
        const cut = at % text.length
        return text.slice(0, cut) + by + text.slice(cut + gone)
      }),
  },
)

interface Setting {
  readonly verifier: Verifier
  readonly keys: ReadonlyMap<SignatureAlgorithm, SigningKey>
}
let made: Setting

beforeAll(async () => {
  const keys = new Map<SignatureAlgorithm, SigningKey>()
  for (const alg of ALGORITHMS) keys.set(alg, await signingKey(alg, alg))
  const verifier = createVerifier(optionsFor([...keys.values()], { algorithms: ALGORITHMS, cache: false }))
  await verifier.start()
  made = { verifier, keys }
  return () => verifier.close()
})

function jwkOf(alg: SignatureAlgorithm): JWK {
  const key = made.keys.get(alg)
  if (key === undefined) throw new Error('no key')
  return key.jwk
}

/** Whether jose takes a token by the same rules. */
async function joseTakes(token: string, alg: SignatureAlgorithm): Promise<boolean> {
  const options = { algorithms: [alg], issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt', requiredClaims: REQUIRED }
  try {
    const key = await importJWK(jwkOf(alg), alg)
    const { protectedHeader } = await jwtVerify(token, key, options)
    return protectedHeader.kid === alg && protectedHeader.crit === undefined
  } catch {
    return false
  }
}

const isInItsOneSpelling = (token: string): boolean =>
  token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)

const verdictOf = async (token: string): Promise<boolean> => (await codeOf(made.verifier.verify(token))) === 'good'

describe.each(ALGORITHMS)('a token by %s', (alg) => {
  it('is taken where jose takes it, whatever its parts say, are spelled, or become', { timeout: 120_000 }, async () => {
    const numRuns = rounds({ quick: 100, long: 2_000 })
    let taken = 0
    const token = fc.record({ header, payload, spellings: fc.tuple(spelling, spelling, spelling), damage })
    await fc.assert(
      fc.asyncProperty(token, async (parts) => {
        const said = JSON.stringify({ alg, kid: alg, typ: 'at+jwt', ...parts.header })
        const [first, second, third] = parts.spellings
        const input = `${spelled(first, said)}.${spelled(second, parts.payload(JSON.stringify(claimsOf())))}`
        const signature = await made.keys.get(alg)?.signBytes(Buffer.from(input))
        const text = parts.damage(`${input}.${spelled(third, Buffer.from(signature ?? []))}`)
        const [ours, jose] = [await verdictOf(text), await joseTakes(text, alg)]
        // Decoders forgive spellings; here a token has one text.
        expect(ours).toBe(jose && isInItsOneSpelling(text))
        if (ours) taken += 1
      }),
      { numRuns },
    )
    // Of the tokens that are made about every fourth is good: the verdicts agree on both kinds.
    expect(taken).toBeGreaterThan(numRuns / 20)
  })

  it('is what it says it is', async () => {
    const good = await made.keys.get(alg)?.sign({}, JSON.stringify(claimsOf()))
    expect(decodeProtectedHeader(good ?? '').alg).toBe(alg)
    expect(await verdictOf(good ?? '')).toBe(true)
  })
})
