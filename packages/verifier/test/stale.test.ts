import { describe, expect, it, vi } from 'vitest'
import { createVerifier } from '../src/verifier/index.ts'
import { type Introspector, type OnStale } from '../src/index.ts'
import { codeOf, refusalOf } from './outcome.ts'
import { type Setting, setting } from './setting.ts'
import { AUDIENCE, ISSUER, network, seconds, tokenBy } from './tokens.ts'

/** How many milliseconds the feed is behind, and what then becomes of a token that nothing speaks against. */
const at = async (test: Setting, token: string): Promise<string> => codeOf(test.verifier.verify(token))

const stale = (onStale: OnStale) => setting({ onStale })

describe('while the feed is stale', () => {
  it('tokens get 503 from the bound on, and are accepted again once it is fresh', async () => {
    await using test = await setting()
    const token = await tokenBy(test.key)
    expect(await at(test, token)).toBe('good')
    test.clock.advance(15_000)
    expect(await at(test, token)).toBe('good')
    test.clock.advance(1)
    const refusal = await refusalOf(test.verifier.verify(token))
    expect({ ...refusal.headers, status: refusal.status, code: refusal.code, error: refusal.error }).toEqual({
      status: 503,
      code: 'verifier_stale',
      error: 'temporarily_unavailable',
      'Retry-After': '3',
    })
    expect(() => test.verifier.verifySync(token)).toThrow(expect.objectContaining({ code: 'verifier_stale' }))
    expect(test.verifier.health().isReady).toBe(false)
    await test.feed.heartbeat()
    await vi.waitFor(async () => expect(await at(test, token)).toBe('good'))
    expect(test.verifier.health().isReady).toBe(true)
  })

  it('a token that is not cached gets 503, too, and an invalid one 401', async () => {
    await using test = await setting()
    test.clock.advance(15_001)
    expect(await at(test, await tokenBy(test.key))).toBe('verifier_stale')
    expect(await at(test, await tokenBy(test.key, { aud: 'https://other.example' }))).toBe('invalid_token')
  })

  it('tokens are accepted within a bound where that is the policy, and not beyond', async () => {
    await using test = await stale({ policy: { accept: 60_000 } })
    const token = await tokenBy(test.key)
    for (const [ms, code] of [
      [15_001, 'good'],
      [44_999, 'good'],
      [1, 'verifier_stale'],
    ] as const) {
      test.clock.advance(ms)
      expect(await at(test, token)).toBe(code)
    }
  })

  it('the issuer is asked about each token at each use if that is the policy', async () => {
    const introspect = vi.fn<Introspector>(async () => true)
    await using test = await stale({ policy: { introspect } })
    const token = await tokenBy(test.key)
    expect(await at(test, token)).toBe('good')
    expect(introspect).not.toHaveBeenCalled()
    test.clock.advance(15_001)
    expect(test.verifier.verifySync(token)).toBeUndefined()
    for (const answer of [true, true, false]) {
      introspect.mockResolvedValueOnce(answer)
      expect(await at(test, token)).toBe(answer ? 'good' : 'token_revoked')
    }
    expect(introspect.mock.calls.map(([asked]) => asked)).toEqual([token, token, token])
    introspect.mockRejectedValueOnce(new Error('down'))
    expect(await at(test, token)).toBe('verifier_stale')
    introspect.mockResolvedValueOnce('true' as never)
    expect(await at(test, token)).toBe('verifier_stale')
    introspect.mockImplementationOnce(() => {
      throw new Error('broken')
    })
    expect(await at(test, token)).toBe('verifier_stale')
  })

  it('an issuer that never answers costs a request no more than the deadline', async () => {
    await using test = await stale({ policy: { introspect: () => new Promise(() => {}) } })
    const token = await tokenBy(test.key)
    await test.verifier.verify(token)
    test.clock.advance(15_001)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const verdict = at(test, token)
      await vi.advanceTimersByTimeAsync(5_001)
      expect(await verdict).toBe('verifier_stale')
    } finally {
      vi.useRealTimers()
    }
  })

  it('a token that is revoked while its issuer is being asked is refused', async () => {
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<boolean>()
    const introspect: Introspector = () => {
      asked.resolve()
      return answer.promise
    }
    await using test = await stale({ policy: { introspect } })
    const token = await tokenBy(test.key, { jti: 'x' })
    const { facts } = await test.verifier.verify(token)
    test.clock.advance(15_001)
    const verdict = at(test, token)
    await asked.promise
    await test.feed.end({ scope: 'jti', id: 'x', until: seconds() + 10_000 })
    await vi.waitFor(() => expect(test.verifier.isRevoked(facts)).toBe('jti'))
    answer.resolve(true)
    expect(await verdict).toBe('token_revoked')
  })

  it.each<OnStale>([
    { policy: 'closed' },
    { policy: { accept: 60_000 } },
    { policy: { accept: 20_000 } },
    { policy: { introspect: async () => true } },
  ])('a revoked token stays revoked, by every policy: %j', async (onStale) => {
    await using test = await stale(onStale)
    const token = await tokenBy(test.key, { jti: 'x' })
    await test.verifier.verify(token)
    await test.feed.end({ scope: 'jti', id: 'x', until: seconds() + 10_000 })
    await vi.waitFor(async () => expect(await at(test, token)).toBe('token_revoked'))
    for (const ms of [15_001, 10_000, 50_000]) {
      test.clock.advance(ms)
      expect(await at(test, token)).toBe('token_revoked')
    }
    expect(await at(test, await tokenBy(test.key, { jti: 'x', nbf: 1 }))).toBe('token_revoked')
  })

  it.each<[OnStale, string]>([
    [{ policy: 'closed' }, 'verifier_stale'],
    [{ policy: { accept: 20_000 } }, 'verifier_stale'],
    [{ policy: { accept: 60_000 } }, 'open'],
    [{ policy: { introspect: async () => true } }, 'open'],
  ])('connections that are watched end with the policy, as every new request does: %j', async (onStale, expected) => {
    await using test = await stale(onStale)
    const principal = await test.verifier.verify(await tokenBy(test.key))
    // What is watched is looked at once a second.
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const signal = test.verifier.watch(principal)
      test.clock.advance(15_000)
      vi.advanceTimersByTime(1_000)
      expect(signal.aborted).toBe(false)
      test.clock.advance(5_001)
      vi.advanceTimersByTime(1_000)
      for (const each of [signal, test.verifier.watch(principal)])
        expect(each.aborted ? each.reason.code : 'open').toBe(expected)
    } finally {
      vi.useRealTimers()
    }
  })

  it('a feed without any heartbeat is stale for every policy but introspection', async () => {
    await using test = await setting()
    const jwks = { fetch: network({ [ISSUER]: [test.key.jwk, test.feed.signer.jwk] }) }
    const common = { issuer: ISSUER, audience: AUDIENCE, jwks, clock: test.clock }
    const silent = {
      name: 'silent',
      open: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }),
    }
    for (const [policy, code] of [
      ['closed', 'verifier_stale'],
      [{ accept: Number.MAX_SAFE_INTEGER }, 'verifier_stale'],
      [{ introspect: async () => true }, 'good'],
    ] as const) {
      await using verifier = createVerifier({ ...common, revocations: silent, onStale: { policy } })
      await expect(verifier.start({ timeoutMs: 100 })).rejects.toMatchObject({ code: 'verifier_not_ready' })
      expect(await codeOf(verifier.verify(await tokenBy(test.key)))).toBe(code)
    }
  })

  it.each<OnStale>([
    { maxStalenessMs: -1 },
    { maxStalenessMs: Number.NaN },
    { maxStalenessMs: Number.POSITIVE_INFINITY },
    { policy: { accept: 1_000 } },
    { policy: { accept: Number.POSITIVE_INFINITY } },
  ])('a policy that cannot be meant is refused at once: %j', async (onStale) => {
    await expect(stale(onStale)).rejects.toThrow(TypeError)
  })
})
