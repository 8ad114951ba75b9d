import { systemClock } from '@ledgate/revocation'
import { testFeed, testSigner, type TestSigner } from '@ledgate/revocation/testing'
import type { JWK } from 'jose'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { type Clock, type IssuerOptions, type SignatureAlgorithm } from '../src/index.ts'
import { createVerifier } from '../src/verifier/index.ts'
import { codeOf } from './outcome.ts'
import { handClock, type HandClock } from './setting.ts'
import { AUDIENCE, ISSUER, network, seconds, signingKey, tokenBy } from './tokens.ts'

const until = () => seconds() + 10_000

/** A verifier whose two key sets are what a test says at each moment. */
async function withSets<AClock extends Clock = HandClock>(
  options: Partial<IssuerOptions> = {},
  {
    alg = 'ES256',
    clock = handClock() as Clock as AClock,
    batch = 10,
  }: { alg?: SignatureAlgorithm; clock?: AClock; batch?: number } = {},
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
  const source = feed.source({ batch })
  const verifierOf = (revocations: typeof source) =>
    createVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      revocations,
      clock,
      ...options,
      jwks: { fetch, ...options.jwks },
    })
  const verifier = verifierOf(source)
  /** One that begins at the beginning of what the first one has read, and is ready. */
  async function another() {
    const later = verifierOf(source)
    await Promise.all([later.start(), feed.heartbeat()])
    return { verify: later.verify, [Symbol.asyncDispose]: () => later.close() }
  }
  await Promise.all([verifier.start(), feed.heartbeat()])
  const health = () => verifier.health().issuers[0]?.revocations
  return { clock, feed, source, key, sets, verifier, another, health, [Symbol.asyncDispose]: () => verifier.close() }
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
  it('costs a look at the keys for all that came together: 20,000 of them hold up neither a notice nor a start', async () => {
    const made = 20_000
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const headers = Array.from({ length: made }, (_, nth) => ({
      alg: 'ES256',
      typ: 'secevent+jwt',
      kid: `made-up-${nth}`,
    }))
    const forged = headers.map((header) => `${encoded(header)}.e30.c2ln`)
    await using test = await withSets({}, { clock: systemClock, batch: 10_000 })
    const token = await tokenBy(test.key, { jti: 'x' })
    const before = test.sets.fetches
    test.source.push(...forged)
    await test.feed.end({ scope: 'jti', id: 'x', until: until() })
    await test.feed.heartbeat()
    await vi.waitFor(() => expect(test.health()?.refused).toBe(made), { timeout: 60_000 })
    await vi.waitFor(async () => expect(await codeOf(test.verifier.verify(token))).toBe('token_revoked'))
    // Three batches of it, one of which has the notice, too.
    expect(test.sets.fetches - before).toBeLessThanOrEqual(3)
    await using later = await test.another()
    expect(await codeOf(later.verify(token))).toBe('token_revoked')
    expect(test.sets.fetches - before).toBeLessThanOrEqual(3 + 1 + 3)
  })

  it('learns of a key that is new with the first message that names it, whatever was made up before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('stranger', 'next', 'notice'), { minLength: 1, maxLength: 6 }),
        async (steps) => {
          await using test = await withSets({}, { clock: systemClock })
          const stranger = await signingKey('stranger')
          const issued: TestSigner[] = [test.feed.signer]
          const ended: string[] = []
          for (const [nth, step] of [...steps, 'next', 'notice'].entries()) {
            const kid = `feed-${issued.length + 1}`
            // Also under the name that the next key is going to have.
            if (step === 'stranger') test.source.push(await stranger.sign({ typ: 'secevent+jwt', kid }, '{}'))
            if (step === 'next') {
              // What names it before it is there has been looked at: a message is never before its key.
              const refused = steps.slice(0, nth).filter((each) => each === 'stranger').length
              await vi.waitFor(() => expect(test.health()?.refused).toBe(refused), { timeout: 20_000 })
              issued.push(await testSigner({ kid }))
              test.sets.feed = issued.map(({ jwk }) => jwk)
            }
            if (step === 'notice') {
              ended.push(`t${nth}`)
              test.source.push(await noticeBy(issued.at(-1) ?? test.feed.signer, `t${nth}`))
            }
          }
          await vi.waitFor(() => expect(test.health()?.applied).toBe(ended.length), { timeout: 20_000 })
          const dead = await Promise.all(
            ended.map(async (jti) => codeOf(test.verifier.verify(await tokenBy(test.key, { jti })))),
          )
          expect(dead).toEqual(ended.map(() => 'token_revoked'))
        },
      ),
      { numRuns: rounds({ quick: 3, long: 10, soak: 60 }) },
    )
  })

  it('goes on and on, each time with other names: never stale, and with a look at the keys for each time', async () => {
    await using test = await withSets({}, { clock: systemClock })
    const stop = test.feed.beat(1_000)
    const stranger = await signingKey('stranger')
    // The first few looks are free; in the long run there are more.
    const [times, names] = [rounds({ quick: 6, long: 20 }), 10]
    for (let time = 0; time < times; time += 1) {
      const kids = Array.from({ length: names }, (_, nth) => `made-up-${time}-${nth}`)
      const sign = (kid: string) => stranger.sign({ typ: 'secevent+jwt', kid }, '{}')
      test.source.push(...(await Promise.all(kids.map(sign))))
      await vi.waitFor(() => expect(test.health()?.refused).toBe((time + 1) * names))
      expect(test.health()?.isReady).toBe(true)
    }
    stop()
    // One before, and two where a batch of the source ended in between.
    expect(test.sets.fetches).toBeLessThanOrEqual(1 + 2 * times)
  })
})
