import { systemClock } from '@ledgate/revocation'
import { testFeed, testSigner, type TestSigner } from '@ledgate/revocation/testing'
import type { JWK } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import { type Clock, createVerifier, type IssuerOptions, type SignatureAlgorithm } from '../src/index.ts'
import { codeOf } from './outcome.ts'
import { handClock, type HandClock } from './setting.ts'
import { AUDIENCE, ISSUER, network, seconds, signingKey, tokenBy } from './tokens.ts'

const until = () => seconds() + 10_000

/** A verifier whose two key sets are what a test says at each moment. */
async function withSets<AClock extends Clock = HandClock>(
  options: Partial<IssuerOptions> = {},
  { alg = 'ES256', clock = handClock() as Clock as AClock }: { alg?: SignatureAlgorithm; clock?: AClock } = {},
) {
  const feed = await testFeed({ issuer: ISSUER, now: clock.wall })
  const key = await signingKey('token-key', alg)
  const sets = { token: [key.jwk] as JWK[], feed: [feed.signer.jwk] as JWK[], fetches: 0, isDown: false }
  const fetch: typeof globalThis.fetch = async (...asked) => {
    if (sets.isDown) throw new TypeError('fetch failed')
    const isFeed = String(asked[0]).endsWith('/revocations/jwks')
    sets.fetches += isFeed ? 1 : 0
    return network({ [ISSUER]: isFeed ? sets.feed : sets.token })(...asked)
  }
  const source = feed.source()
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    revocations: source,
    clock,
    ...options,
    jwks: { fetch, ...options.jwks },
  })
  await Promise.all([verifier.start(), feed.heartbeat()])
  const health = () => verifier.health().issuers[0]?.revocations
  return { clock, feed, source, key, sets, verifier, health, [Symbol.asyncDispose]: () => verifier.close() }
}

/** A notice that a token ended, signed by this key. */
const noticeBy = async (signer: TestSigner, jti: string): Promise<string> => {
  const feed = await testFeed({ issuer: ISSUER, signer })
  await feed.end({ scope: 'jti', id: jti, until: until() })
  return feed.sign({
    kind: 'notice',
    type: 'urn:ledgate:secevent:token-revoked',
    ended: { scope: 'jti', id: jti, until: until() },
    time: seconds(),
    jti: `event of ${jti}`,
    txn: 'txn',
    position: feed.position,
  })
}

describe('the keys that sign a feed', () => {
  it.each<SignatureAlgorithm>(['ES384', 'PS256', 'EdDSA'])(
    'are taken whatever algorithm tokens are signed by: %s',
    async (alg) => {
      await using test = await withSets({ algorithms: [alg] }, { alg })
      expect(await codeOf(test.verifier.verify(await tokenBy(test.key)))).toBe('good')
    },
  )

  it('say nothing any more from the moment that one is told to be compromised, though the set still lists it', async () => {
    await using test = await withSets()
    const thief = test.feed.signer
    const token = await tokenBy(test.key, { jti: 'x' })
    expect(await codeOf(test.verifier.verify(token))).toBe('good')
    await test.feed.end({ scope: 'key', id: thief.kid, until: until() })
    await vi.waitFor(() => expect(test.health()?.applied).toBe(1))
    test.source.push(await noticeBy(thief, 'x'))
    await vi.waitFor(() => expect(test.health()?.refused).toBe(1))
    expect(await codeOf(test.verifier.verify(token))).toBe('good')
    test.clock.advance(15_001)
    await test.feed.heartbeat()
    await vi.waitFor(() => expect(test.health()?.refused).toBe(2))
    expect(await codeOf(test.verifier.verify(token))).toBe('verifier_stale')
  })

  it('leave the tokens alone, and the other one goes on', async () => {
    await using test = await withSets()
    const other = await testSigner({ kid: 'feed-2' })
    test.sets.feed = [test.feed.signer.jwk, other.jwk]
    const token = await tokenBy(test.key, { jti: 'x' })
    await test.feed.end({ scope: 'key', id: test.feed.signer.kid, until: until() })
    test.source.push(await noticeBy(other, 'other'), await noticeBy(other, 'x'))
    await vi.waitFor(async () => expect(await codeOf(test.verifier.verify(token))).toBe('token_revoked'))
    expect(await codeOf(test.verifier.verify(await tokenBy(test.key)))).toBe('good')
  })

  it('are trusted no longer than others while their set cannot be fetched', async () => {
    await using test = await withSets({ jwks: { refreshAheadMs: 60_000, maxStaleMs: 60_000 } })
    test.sets.isDown = true
    test.clock.advance(60_001)
    await test.feed.heartbeat()
    await vi.waitFor(() => expect(test.health()?.lastError).toMatch(/cannot be fetched/))
    expect(test.health()?.isReady).toBe(false)
    test.sets.isDown = false
    await vi.waitFor(() => expect(test.health()?.isReady).toBe(true), { timeout: 20_000 })
  })
})

describe('a feed with messages under the names of keys that nobody has', { timeout: 120_000 }, () => {
  it('goes on, four of them a second and each by another name: never stale, and fetching in bounds', async () => {
    await using test = await withSets({}, { clock: systemClock })
    const stop = test.feed.beat(1_000)
    const stranger = await signingKey('stranger')
    let worst = 0
    for (let nth = 0; nth < 60; nth += 1) {
      test.source.push(await stranger.sign({ typ: 'secevent+jwt', kid: `made-up-${nth}` }, '{}'))
      await new Promise((resolve) => setTimeout(resolve, 250))
      worst = Math.max(worst, test.health()?.stalenessMs ?? Number.POSITIVE_INFINITY)
    }
    stop()
    expect(worst).toBeLessThan(6_000)
    expect(test.sets.fetches).toBeLessThanOrEqual(1 + 4 + 15 + 2)
    await vi.waitFor(() => expect(test.health()?.refused).toBe(60), { timeout: 10_000 })
  })
})
