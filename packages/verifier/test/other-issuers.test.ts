import { importJWK } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import { createVerifier } from '../src/verifier/index.ts'
import { guard, authorize } from '../src/guard/index.ts'
import { type IssuerOptions, type VerifierOptions } from '../src/index.ts'
import { codeOf } from './outcome.ts'
import { AUDIENCE, claimsOf, ISSUER, network, optionsFor, type SigningKey, signingKey, tokenBy } from './tokens.ts'

type Options = Partial<VerifierOptions> & Partial<IssuerOptions>

/** A started verifier of an issuer that publishes these keys, whatever they say. */
async function verifierOf(jwks: readonly object[], options: Options = {}) {
  const verifier = createVerifier(optionsFor([], { jwks: { fetch: network({ [ISSUER]: jwks }) }, ...options }))
  await verifier.start()
  return verifier
}

const without = (jwk: object, ...names: string[]): object =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)))

const NAMELESS = { kid: undefined }

describe('the keys of an issuer', () => {
  it('may say Ed25519, and so may their tokens: RFC 9864', async () => {
    const key = await signingKey('ed', 'EdDSA')
    const named = async (alg: string) => key.sign({ alg }, JSON.stringify(claimsOf()))
    const verdicts = async (said: object) => {
      await using verifier = await verifierOf([{ ...without(key.jwk, 'alg'), ...said }])
      return [
        await codeOf(verifier.verify(await named('EdDSA'))),
        await codeOf(verifier.verify(await byText(key, 'Ed25519'))),
      ]
    }
    expect(await verdicts({ alg: 'Ed25519' })).toEqual(['invalid_token', 'good'])
    expect(await verdicts({ alg: 'EdDSA' })).toEqual(['good', 'invalid_token'])
    expect(await verdicts({})).toEqual(['good', 'good'])
    await using verifier = await verifierOf([{ ...key.jwk, alg: 'Ed25519' }], { algorithms: ['Ed25519'] })
    expect(await codeOf(verifier.verify(await byText(key, 'Ed25519')))).toBe('good')
  })

  const byText = (key: SigningKey, alg: string) => key.signText(JSON.stringify({ alg, kid: key.kid, typ: 'at+jwt' }))

  it('of different types may have the same kid: RFC 7517 §4.5', async () => {
    const keys = [await signingKey('a'), await signingKey('a', 'EdDSA'), await signingKey('a', 'RS256')]
    await using verifier = await verifierOf(keys.map(({ jwk }) => jwk))
    for (const key of keys) expect(await codeOf(verifier.verify(await tokenBy(key)))).toBe('good')
    const stranger = await signingKey('a', 'EdDSA')
    expect(await codeOf(verifier.verify(await tokenBy(stranger)))).toBe('invalid_token')
  })

  it('without alg are used with an allowed algorithm', async () => {
    const key = await signingKey('ps', 'PS256')
    const token = await tokenBy(key)
    await using verifier = await verifierOf([without(key.jwk, 'alg')], { algorithms: ['PS256'] })
    expect(await codeOf(verifier.verify(token))).toBe('good')
    await using usual = await verifierOf([without(key.jwk, 'alg')])
    expect(await codeOf(usual.verify(token))).toBe('invalid_token')
  })

  it('may have no kid, and so may tokens: RFC 7515 §4.1.4', async () => {
    const [key, other] = [await signingKey('a'), await signingKey('b')]
    const nameless = await tokenBy(key, {}, NAMELESS)
    const named = await tokenBy(key)
    for (const set of [
      [key.jwk],
      [without(key.jwk, 'kid')],
      [other.jwk, key.jwk],
      [without(other.jwk, 'kid'), key.jwk],
    ]) {
      await using verifier = await verifierOf(set)
      expect(await codeOf(verifier.verify(nameless))).toBe('good')
    }
    await using verifier = await verifierOf([without(key.jwk, 'kid')])
    expect((await verifier.verify(nameless)).facts.kid).toBe('')
    expect(await codeOf(verifier.verify(named))).toBe('invalid_token')
    expect(await codeOf(verifier.verify(await tokenBy(other, {}, NAMELESS)))).toBe('invalid_token')
  })

  it('without kid are fetched again if none verifies the token', async () => {
    const [before, after] = [await signingKey('a'), await signingKey('b')]
    let set = [without(before.jwk, 'kid')]
    const fetch: typeof globalThis.fetch = (...asked) => network({ [ISSUER]: set })(...asked)
    await using verifier = createVerifier(optionsFor([], { jwks: { fetch, unknownKidWaitMs: 30_000 } }))
    await verifier.start()
    const [old, fresh] = [await tokenBy(before, {}, NAMELESS), await tokenBy(after, {}, NAMELESS)]
    expect(await codeOf(verifier.verify(old))).toBe('good')
    set = [without(after.jwk, 'kid')]
    expect(await codeOf(verifier.verify(fresh))).toBe('good')
    expect(await codeOf(verifier.verify(old))).toBe('invalid_token')
  })

  it('are rejected if anyone could sign with them', async () => {
    const [rsa, ec] = [await signingKey('rsa', 'RS256'), await signingKey('ec')]
    await using verifier = await verifierOf([{ ...rsa.jwk, e: 'AQ' }, ec.jwk])
    expect(await codeOf(verifier.verify(await tokenBy(rsa)))).toBe('invalid_token')
    expect(await importJWK({ ...rsa.jwk, e: 'AQ' }, 'RS256')).toBeDefined() // it looks like one
  })

  it.each([
    'text/plain; charset=utf-8',
    'application/octet-stream',
    'binary/octet-stream',
    'application/JWK-Set+JSON',
    '',
  ])('may be served as %j, and begin with a mark of their encoding', async (type) => {
    const key = await signingKey('a')
    const fetch: typeof globalThis.fetch = async (...asked) => {
      const text = await (await network({ [ISSUER]: [key.jwk] })(...asked)).text()
      const response = new Response(new TextEncoder().encode(`\ufeff${text}`))
      if (type !== '') response.headers.set('content-type', type)
      return response
    }
    await using verifier = createVerifier(optionsFor([], { jwks: { fetch } }))
    await verifier.start()
    expect(await codeOf(verifier.verify(await tokenBy(key)))).toBe('good')
  })
})

describe('a token of an issuer that does not follow RFC 9068', () => {
  const odd = { roles: 'admin', entitlements: 'orders/7', amr: 'pwd', scope: ['orders:read', 'orders:write', 7, 'a b'] }

  it('is accepted with the lenient profile, with the same claims', async () => {
    const key = await signingKey('a')
    await using verifier = createVerifier(optionsFor([key], { profile: 'lenient' }))
    await verifier.start()
    const principal = await verifier.verify(await tokenBy(key, odd))
    expect(principal).toMatchObject({ amr: ['pwd'] })
    expect([...principal.scopes, ...principal.roles, ...principal.entitlements]).toEqual([
      'orders:read',
      'orders:write',
      'admin',
      'orders/7',
    ])
    expect(() => authorize(principal, guard.all(guard.role('admin'), guard.scopes('orders:write')))).not.toThrow()
  })

  it.each<object>([
    { roles: 7, entitlements: { a: 1 }, amr: null, scope: 5, acr: 1, auth_time: 'today', azp: 7 },
    { roles: [7, null], scope: null, exp: Math.floor(Date.now() / 1000) + 200.5 },
    { aud: [AUDIENCE, 'https://other.example'], sid: undefined, gid: undefined },
  ])('has no right by what nobody understands, and is taken for the rest: %j', async (claims) => {
    const key = await signingKey('a')
    await using verifier = createVerifier(optionsFor([key], { profile: 'lenient' }))
    await verifier.start()
    const principal = await verifier.verify(await tokenBy(key, { ...claims }))
    expect([principal.roles.size, principal.acr, principal.authTime]).toEqual([0, undefined, undefined])
    expect(() => authorize(principal, guard.acr([], 300))).toThrow()
  })

  it.each<object>([
    { exp: '9999999999' },
    { nbf: 'now' },
    { sub: 7 },
    { aud: 7 },
    { sid: 7 },
    { cnf: 'a key' },
    { cnf: { jkt: 7 } },
  ])('is refused for what decides: %j', async (claims) => {
    const key = await signingKey('a')
    await using verifier = createVerifier(optionsFor([key], { profile: 'lenient' }))
    await verifier.start()
    expect(await codeOf(verifier.verify(await tokenBy(key, { ...claims })))).toBe('invalid_token')
  })

  it.each(Object.entries(odd))('is refused where it is not lenient: %s', async (name, value) => {
    const key = await signingKey('a')
    await using verifier = createVerifier(optionsFor([key]))
    await verifier.start()
    expect(await codeOf(verifier.verify(await tokenBy(key, { [name]: value })))).toBe('invalid_token')
  })
})

describe('one unavailable issuer of several', () => {
  const AWAY = 'https://away.example'

  async function two(both = false) {
    const key = await signingKey('a')
    const warnings: string[] = []
    const sets = { [ISSUER]: [key.jwk], ...(both && { [AWAY]: [key.jwk] }) }
    const verifier = createVerifier({
      audience: AUDIENCE,
      issuers: [ISSUER, AWAY].map((issuer) => ({ issuer, revocations: false, jwks: { fetch: network(sets) } })),
      logger: { info: () => undefined, warn: (_, message) => void warnings.push(message) },
    })
    return { key, verifier, warnings }
  }

  it('does not affect the tokens of the others', async () => {
    const { key, verifier, warnings } = await two()
    await using _ = verifier
    await verifier.start({ timeoutMs: 500 })
    expect(warnings).toContain('started while an issuer is not ready')
    expect(await codeOf(verifier.verify(await tokenBy(key)))).toBe('good')
    expect(await codeOf(verifier.verify(await tokenBy(key, { iss: AWAY })))).toBe('verifier_not_ready')
    const { isReady, issuers } = verifier.health()
    expect([isReady, ...issuers.map((each) => each.isReady)]).toEqual([true, true, false])
  })

  it('control: start waits for all of them within its timeout', async () => {
    const { verifier, warnings } = await two(true)
    await using _ = verifier
    await verifier.start()
    expect(verifier.health().issuers.map((each) => each.isReady)).toEqual([true, true])
    expect(warnings).toEqual([])
  })

  it('is reported if all are unavailable', async () => {
    const away = vi.fn<typeof fetch>(async () => Promise.reject(new TypeError('fetch failed')))
    await using verifier = createVerifier({
      audience: AUDIENCE,
      issuers: [ISSUER, AWAY].map((issuer) => ({ issuer, revocations: false, jwks: { fetch: away } })),
    })
    await expect(verifier.start({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'verifier_not_ready' })
  })
})
