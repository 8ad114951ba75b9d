import fc from 'fast-check'
import { hasEpoch, type Ended, type Scope, type TokenFacts } from '@ledgate/revocation'
import { describe, expect, it, vi } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { createVerifier } from '../src/verifier/index.ts'
import { VerifierError } from '../src/error/index.ts'
import { codeOf } from './outcome.ts'
import { setting } from './setting.ts'
import { AUDIENCE, ISSUER, network, seconds, tokenBy } from './tokens.ts'

const until = () => seconds() + 10_000

/** What ends a token of the tests by each scope, and nothing else of theirs. */
const ENDINGS: readonly Ended[] = [
  { scope: 'issuer', id: ISSUER, until: until(), epoch: 1 },
  { scope: 'client', id: 'client-1', until: until(), epoch: 1 },
  { scope: 'user', id: 'user-1', until: until(), epoch: 1 },
  { scope: 'session', id: 'session-1', until: until() },
  { scope: 'online_session', id: 'session-1', until: until() },
  { scope: 'grant', id: 'grant-1', until: until() },
  { scope: 'jti', id: 'jti-x', until: until() },
  { scope: 'key', id: 'es', until: until() },
]

describe('a revoked token', () => {
  it.each(ENDINGS)('is refused from the notice on, cached or not: $scope', async (ended) => {
    await using test = await setting()
    const claims = { jti: 'jti-x', user_epoch: 0, client_epoch: 0, issuer_epoch: 0 }
    const [seen, unseen] = [await tokenBy(test.key, claims), await tokenBy(test.key, { ...claims, nbf: seconds() - 1 })]
    const principal = await test.verifier.verify(seen)
    expect(test.verifier.isRevoked(principal.facts)).toBeUndefined()
    await test.feed.end(ended)
    await vi.waitFor(() => expect(test.verifier.isRevoked(principal.facts)).toBe(ended.scope))
    expect(await codeOf(test.verifier.verify(seen))).toBe('token_revoked')
    // A key that was revoked is no key at all for what it signs from now on.
    expect(await codeOf(test.verifier.verify(unseen))).toBe(ended.scope === 'key' ? 'invalid_token' : 'token_revoked')
    expect(() => test.verifier.verifySync(seen)).toThrow(VerifierError)
  })

  it('does not affect a sign-in in the same second, by its epoch', async () => {
    await using test = await setting()
    const before = await tokenBy(test.key, { sid: 'a', gid: 'a', user_epoch: 4 })
    const after = await tokenBy(test.key, { sid: 'b', gid: 'b', user_epoch: 5 })
    const { facts } = await test.verifier.verify(before)
    await test.feed.end({ scope: 'user', id: 'user-1', until: until(), epoch: 5 })
    await vi.waitFor(() => expect(test.verifier.isRevoked(facts)).toBe('user'))
    expect(await codeOf(test.verifier.verify(before))).toBe('token_revoked')
    expect(await codeOf(test.verifier.verify(after))).toBe('good')
  })

  it('was never accepted by a verifier that started after it was revoked', async () => {
    await using test = await setting()
    await test.feed.end({ scope: 'jti', id: 'dead', until: until() })
    const source = test.feed.source({ begins: 'snapshot' })
    const jwks = { fetch: network({ [ISSUER]: [test.key.jwk, test.feed.signer.jwk] }) }
    await using late = createVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      revocations: source,
      jwks,
      clock: test.clock,
    })
    const token = await tokenBy(test.key, { jti: 'dead' })
    expect(await codeOf(late.verify(token))).toBe('verifier_not_ready')
    await late.start()
    expect(await codeOf(late.verify(token))).toBe('token_revoked')
  })

  it('cannot escape by omitting the claims that notices refer to', async () => {
    await using test = await setting({ profile: 'lenient' })
    for (const missing of ['jti', 'client_id', 'iat'])
      expect(await codeOf(test.verifier.verify(await tokenBy(test.key, { [missing]: undefined })))).toBe(
        'invalid_token',
      )
  })

  it('does not affect a token of another issuer with the same ids', async () => {
    const other = 'https://other-issuer.example'
    await using test = await setting()
    const jwks = { fetch: network({ [ISSUER]: [test.key.jwk, test.feed.signer.jwk], [other]: [test.key.jwk] }) }
    await using both = createVerifier({
      audience: AUDIENCE,
      clock: test.clock,
      issuers: [
        { issuer: ISSUER, revocations: test.feed.source(), jwks },
        { issuer: other, revocations: false, jwks },
      ],
    })
    await both.start()
    await test.feed.end({ scope: 'jti', id: 'same', until: until() })
    const [ours, theirs] = [
      await tokenBy(test.key, { jti: 'same' }),
      await tokenBy(test.key, { jti: 'same', iss: other }),
    ]
    await vi.waitFor(async () => expect(await codeOf(both.verify(ours))).toBe('token_revoked'))
    const { facts } = await both.verify(theirs)
    expect(both.isRevoked(facts, other)).toBeUndefined()
    expect(both.isRevoked(facts, ISSUER)).toBe('jti')
    expect(() => both.isRevoked(facts)).toThrow(TypeError)
  })
})

/** The rules of death, written down once more and as plainly as can be. */
function isDead(token: TokenFacts, ended: readonly Ended[]): boolean {
  return ended.some((each) => {
    const names: Readonly<Record<Scope, string | undefined>> = {
      issuer: ISSUER,
      client: token.client_id,
      user: token.sub,
      session: token.sid,
      online_session: token.isOffline ? undefined : token.sid,
      grant: token.gid,
      jti: token.jti,
      key: token.kid,
    }
    if (names[each.scope] !== each.id) return false
    const carried = { issuer: token.issuer_epoch, client: token.client_epoch, user: token.user_epoch }
    return !('epoch' in each) || !hasEpoch(each.scope) || (carried[each.scope] ?? -1) < each.epoch
  })
}

const name = fc.constantFrom('a', 'b', 'c')
const epoch = fc.nat({ max: 3 })

const ending: fc.Arbitrary<Ended> = fc.oneof(
  fc.record({
    scope: fc.constantFrom('client' as const, 'user' as const),
    id: name,
    epoch,
    until: fc.constant(until()),
  }),
  fc.record({
    scope: fc.constantFrom('session' as const, 'online_session' as const, 'grant' as const, 'jti' as const),
    id: name,
    until: fc.constant(until()),
  }),
)

const claims = fc.record({
  sub: name,
  client_id: name,
  sid: name,
  gid: name,
  jti: name,
  user_epoch: fc.option(epoch, { nil: undefined }),
  client_epoch: fc.option(epoch, { nil: undefined }),
  scope: fc.constantFrom('orders', 'orders offline_access'),
})

describe('whatever is revoked in whatever order', () => {
  it('has the verdict of the rules, for tokens seen before and for new ones', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(claims, { minLength: 1, maxLength: 8 }),
        fc.array(ending, { maxLength: 8 }),
        async (tokens, endings) => {
          await using test = await setting()
          const texts = await Promise.all(tokens.map((each) => tokenBy(test.key, each)))
          const facts = await Promise.all(texts.map(async (text) => (await test.verifier.verify(text)).facts))
          for (const [nth, ended] of endings.entries()) {
            await test.feed.end(ended)
            await vi.waitFor(() => expect(test.verifier.health().issuers[0]?.revocations?.applied).toBe(nth + 1))
            const told = endings.slice(0, nth + 1)
            for (const [at, text] of texts.entries()) {
              const fact = facts[at]
              if (fact === undefined) throw new Error('no facts')
              expect(await codeOf(test.verifier.verify(text))).toBe(isDead(fact, told) ? 'token_revoked' : 'good')
            }
          }
        },
      ),
      { numRuns: rounds({ quick: 10, long: 100 }) },
    )
  })
})

describe('a compromised key', () => {
  it('is never trusted again, although the key set still has it and its notice has expired', async () => {
    await using test = await setting({ maxTokenLifetimeSeconds: 100_000 })
    const token = await tokenBy(test.key, { exp: seconds() + 90_000 })
    const { facts } = await test.verifier.verify(token)
    await test.feed.end({ scope: 'key', id: 'es', until: seconds() + 60 })
    await vi.waitFor(() => expect(test.verifier.isRevoked(facts)).toBe('key'))
    test.clock.advance(3_600_000)
    await test.feed.heartbeat()
    await vi.waitFor(() => expect(test.verifier.health().issuers[0]?.revocations?.isReady).toBe(true))
    expect(await codeOf(test.verifier.verify(token))).not.toBe('good')
    expect(await codeOf(test.verifier.verify(await tokenBy(test.key, { exp: seconds() + 90_000 })))).toBe(
      'invalid_token',
    )
  })
})
