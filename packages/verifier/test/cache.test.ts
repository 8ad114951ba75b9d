import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { createVerifier } from '../src/verifier/index.ts'
import { tokenCache } from '../src/token/token-cache.ts'
import { codeOf } from './outcome.ts'
import { handClock, setting } from './setting.ts'
import { ISSUER, network, optionsFor, seconds, signingKey, tokenBy } from './tokens.ts'

const TOLERANCE = 5

/** What a token comes to at a time, by what RFC 7519 says and nothing else. Seconds, relative to its making. */
const verdictAt = (
  now: number,
  { nbf = 0, exp }: { readonly nbf?: number | undefined; readonly exp: number },
): string => (now >= exp + TOLERANCE ? 'token_expired' : now < nbf - TOLERANCE ? 'invalid_token' : 'good')

const times = fc
  .record({
    nbf: fc.option(fc.integer({ min: -10, max: 40 }), { nil: undefined }),
    exp: fc.integer({ min: 1, max: 60 }),
    hasIat: fc.boolean(),
    steps: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8 }),
  })
  .filter(({ nbf = 0, exp }) => nbf < exp)

type Times = typeof times extends fc.Arbitrary<infer Value> ? Value : never

/** Asks about one token again and again while time goes by. @param verify asks the verifier, or what stands for it. */
async function asTimeGoesBy(
  { nbf, exp, hasIat, steps }: Times,
  key: Awaited<ReturnType<typeof signingKey>>,
  wrap: (verify: (token: string) => Promise<string>) => (token: string) => Promise<string>,
): Promise<void> {
  const clock = handClock(seconds() * 1000)
  const made = clock.wall() / 1000
  await using verifier = createVerifier(optionsFor([key], { clock, profile: 'lenient' }))
  await verifier.start()
  const token = await tokenBy(key, {
    iat: hasIat ? made : undefined,
    exp: made + exp,
    ...(nbf !== undefined && { nbf: made + nbf }),
  })
  const ask = wrap((text) => codeOf(verifier.verify(text)))
  for (const step of steps) {
    clock.advance(step * 1000)
    expect(await ask(token)).toBe(verdictAt(clock.wall() / 1000 - made, { nbf, exp }))
  }
}

describe('a token that was verified before', () => {
  it('expires, and begins, at its time, with iat and without', async () => {
    const key = await signingKey('es')
    await fc.assert(
      fc.asyncProperty(times, (how) => asTimeGoesBy(how, key, (verify) => verify)),
      { numRuns: rounds({ quick: 20, long: 300 }) },
    )
  })

  it('control: a cache that remembers verdicts does not pass the same test', async () => {
    const key = await signingKey('es')
    const remembering = (verify: (token: string) => Promise<string>) => {
      const verdicts = new Map<string, string>()
      return async (token: string) => {
        const verdict = verdicts.get(token) ?? (await verify(token))
        verdicts.set(token, verdict)
        return verdict
      }
    }
    await expect(
      fc.assert(
        fc.asyncProperty(times, (how) => asTimeGoesBy(how, key, remembering)),
        { numRuns: 200, seed: 1 },
      ),
    ).rejects.toThrow(/Property failed/)
  })

  it('is refused once its key has left the set', async () => {
    const [gone, stays] = await Promise.all([signingKey('gone'), signingKey('stays')])
    let listed = [gone.jwk, stays.jwk]
    const fetch: typeof globalThis.fetch = (...asked) => network({ [ISSUER]: listed })(...asked)
    await using verifier = createVerifier(optionsFor([], { jwks: { fetch, refreshAheadMs: 20 } }))
    await verifier.start()
    const [first, second] = [await tokenBy(gone), await tokenBy(stays)]
    await verifier.verify(first)
    await verifier.verify(second)
    listed = [stays.jwk]
    await vi.waitFor(async () => expect(await codeOf(verifier.verify(first))).toBe('invalid_token'))
    expect(await codeOf(verifier.verify(second))).toBe('good')
  })

  it('is valid again when its key is back in the set, as with replicas that differ for a while', async () => {
    const [comes, stays] = await Promise.all([signingKey('comes'), signingKey('stays')])
    let listed = [comes.jwk, stays.jwk]
    const fetch: typeof globalThis.fetch = (...asked) => network({ [ISSUER]: listed })(...asked)
    await using verifier = createVerifier(optionsFor([], { jwks: { fetch, refreshAheadMs: 20 } }))
    await verifier.start()
    const token = await tokenBy(comes)
    const verdict = () => codeOf(verifier.verify(token))
    expect(await verdict()).toBe('good')
    listed = [stays.jwk]
    await vi.waitFor(async () => expect(await verdict()).toBe('invalid_token'))
    listed = [comes.jwk, stays.jwk]
    await vi.waitFor(async () => expect(await verdict()).toBe('good'))
    listed = [(await signingKey('comes')).jwk]
    await vi.waitFor(async () => expect(await verdict()).toBe('invalid_token'))
  })

  it('gets 503 while the key set is too old, and is valid again afterwards', async () => {
    const key = await signingKey('es')
    const clock = handClock()
    const works = network({ [ISSUER]: [key.jwk] })
    let isDown = false
    const fetch: typeof globalThis.fetch = async (...asked) => {
      if (isDown) throw new TypeError('fetch failed')
      return works(...asked)
    }
    await using verifier = createVerifier(
      optionsFor([key], { clock, jwks: { fetch, refreshAheadMs: 60_000, maxStaleMs: 60_000 } }),
    )
    await verifier.start()
    const token = await tokenBy(key)
    await verifier.verify(token)
    isDown = true
    clock.advance(60_001)
    expect(await codeOf(verifier.verify(token))).toBe('verifier_not_ready')
    expect(await codeOf(verifier.verify(await tokenBy(key)))).toBe('verifier_not_ready')
    isDown = false
    clock.advance(10_000)
    await vi.waitFor(async () => expect(await codeOf(verifier.verify(token))).toBe('good'), { timeout: 20_000 })
  })

  it('is never confused with one that differs in a single character', async () => {
    const key = await signingKey('es')
    await using verifier = createVerifier(optionsFor([key]))
    await verifier.start()
    const token = await tokenBy(key, { scope: 'orders:read' })
    const near = await tokenBy(key, { scope: 'orders:reap' })
    expect((await verifier.verify(token)).scopes).toEqual(new Set(['orders:read']))
    expect((await verifier.verify(near)).scopes).toEqual(new Set(['orders:reap']))
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: token.length - 1 }),
        fc.constantFrom('A', 'b', '0', '_', '.', ' ', '='),
        async (at, by) => {
          const other = token.slice(0, at) + by + token.slice(at + 1)
          fc.pre(other !== token)
          expect(await codeOf(verifier.verify(other))).not.toBe('good')
          expect((await verifier.verify(token)).scopes).toEqual(new Set(['orders:read']))
        },
      ),
      { numRuns: rounds({ quick: 60, long: 1_000 }) },
    )
  })

  it('is the same principal for every request, and none of them can change it for the others', async () => {
    const key = await signingKey('es')
    await using verifier = createVerifier(optionsFor([key]))
    await verifier.start()
    const token = await tokenBy(key, { roles: ['clerk'], address: { country: 'CH' } })
    const principal = await verifier.verify(token)
    expect(verifier.verifySync(token)).toBe(principal)
    for (const set of [principal.scopes, principal.roles, principal.entitlements])
      expect(() => (set as Set<string>).add('admin')).toThrow(TypeError)
    expect(() => Object.assign(principal, { sub: 'admin' })).toThrow(TypeError)
    expect(() => Object.assign(principal.facts, { jti: 'other' })).toThrow(TypeError)
    expect(() => Object.assign(principal.claims.address as object, { country: 'XX' })).toThrow(TypeError)
    expect(() => (principal.audience as string[]).push('https://other.example')).toThrow(TypeError)
  })

  it('is cached up to a limit, and refused tokens are not cached', async () => {
    const key = await signingKey('es')
    await using verifier = createVerifier(optionsFor([key], { cache: { maxTokens: 10 } }))
    await verifier.start()
    for (let each = 0; each < 50; each += 1) await verifier.verify(await tokenBy(key))
    expect(verifier.health().cachedTokens).toBeLessThanOrEqual(10)
    const before = verifier.health().cachedTokens
    for (const bad of ['x', 'a.b.c', await tokenBy(key, { aud: 'https://other.example' })])
      expect(await codeOf(verifier.verify(bad))).toBe('invalid_token')
    expect(verifier.health().cachedTokens).toBe(before)
  })

  it('is verified each time if the cache is off', async () => {
    const key = await signingKey('es')
    await using verifier = createVerifier(optionsFor([key], { cache: false }))
    await verifier.start()
    const token = await tokenBy(key)
    await verifier.verify(token)
    expect(verifier.verifySync(token)).toBeUndefined()
    expect(verifier.health().cachedTokens).toBe(0)
  })
})

describe('a bounded cache', () => {
  const apart = fc.constantFrom(...'abcdefghijklmnop')
  /** As of signatures that somebody made to end like one another. */
  const alike = fc.constantFrom(...'abcd').map((start) => `${start}.the same end`)

  it('never exceeds its limit, and returns the entry that was stored', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.array(fc.tuple(fc.constantFrom('get', 'set', 'delete'), fc.oneof(apart, alike)), { maxLength: 200 }),
        (max, steps) => {
          const cache = tokenCache<number>(max)
          const model = new Map<string, number>()
          for (const [nth, [step, token]] of steps.entries()) {
            if (step === 'set') cache.set(token, nth)
            if (step === 'set') model.set(token, nth)
            if (step === 'delete') cache.delete(token)
            if (step === 'delete') model.delete(token)
            if (step === 'get') expect([undefined, model.get(token)]).toContain(cache.get(token))
            expect(cache.size).toBeLessThanOrEqual(max)
          }
        },
      ),
    )
  })

  it('holds at most one of the tokens with the same end', () => {
    const cache = tokenCache<number>(10)
    for (const [nth, start] of ['a', 'b', 'c'].entries()) cache.set(`${start}.the same end`, nth)
    expect(cache.size).toBe(1)
    expect(['a', 'b', 'c'].map((start) => cache.get(`${start}.the same end`))).toEqual([undefined, undefined, 2])
    cache.delete('b.the same end')
    expect(cache.get('c.the same end')).toBe(2)
    cache.delete('c.the same end')
    expect(cache.size).toBe(0)
  })

  it('keeps entries that are used often', () => {
    const cache = tokenCache<number>(10)
    cache.set('often', 1)
    for (let each = 0; each < 1_000; each += 1) {
      cache.set(`once-${each}`, each)
      expect(cache.get('often')).toBe(1)
    }
  })
})

describe('a token asked about after every change of the feed', () => {
  it('is looked up again only after a change', async () => {
    await using test = await setting()
    const token = await tokenBy(test.key, { jti: 'x' })
    const { facts } = await test.verifier.verify(token)
    for (let other = 0; other < 20; other += 1) {
      await test.feed.end({ scope: 'jti', id: `other-${other}`, until: seconds() + 10_000 })
      expect(await codeOf(test.verifier.verify(token))).toBe('good')
    }
    await test.feed.end({ scope: 'jti', id: 'x', until: seconds() + 10_000 })
    await vi.waitFor(() => expect(test.verifier.isRevoked(facts)).toBe('jti'))
    expect(await codeOf(test.verifier.verify(token))).toBe('token_revoked')
  })
})
