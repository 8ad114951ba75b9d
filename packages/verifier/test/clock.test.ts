import { testFeed } from '@ledgate/revocation/testing'
import { describe, expect, it, vi } from 'vitest'
import { createVerifier } from '../src/verifier/index.ts'
import { codeOf } from './outcome.ts'
import { AUDIENCE, ISSUER, network, seconds, signingKey, tokenBy } from './tokens.ts'

const HOUR_MS = 3_600_000

/** A verifier on a clock that can be set, whose issuer's clock is right. */
async function settable(aheadMs: number) {
  let ahead = aheadMs
  let passed = 0
  const feed = await testFeed({ issuer: ISSUER })
  const key = await signingKey('es')
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    revocations: feed.source(),
    jwks: { fetch: network({ [ISSUER]: [key.jwk, feed.signer.jwk] }) },
    clock: { wall: () => Date.now() + ahead, monotonic: () => performance.now() + passed },
  })
  const applied = (count: number) =>
    vi.waitFor(() => expect(verifier.health().issuers[0]?.revocations?.applied).toBe(count))
  const fresh = async () => {
    await feed.heartbeat()
    await vi.waitFor(() => expect(verifier.health().isReady).toBe(true))
  }
  return {
    feed,
    verifier,
    applied,
    fresh,
    /** @param claims of a token that lives for a minute. */
    token: (claims: object) => tokenBy(key, { exp: seconds() + 60, ...claims }),
    set: (ms: number) => void (ahead = ms),
    pass: (ms: number) => void (passed += ms),
    [Symbol.asyncDispose]: () => verifier.close(),
  }
}

describe('a clock that is wrong', () => {
  it('by hours ahead, when the feed was read, has not made anything forgotten once it is right', async () => {
    await using test = await settable(3 * HOUR_MS)
    await test.feed.end({ scope: 'jti', id: 'x', until: seconds() + 120 })
    await test.feed.heartbeat()
    expect(await codeOf(test.verifier.start({ timeoutMs: 300 }))).toBe('verifier_not_ready')
    await test.applied(1)
    test.set(0)
    await test.fresh()
    expect(await codeOf(test.verifier.verify(await test.token({ jti: 'x' })))).toBe('token_revoked')
    expect(await codeOf(test.verifier.verify(await test.token({})))).toBe('good')
  })

  it('for a while only has not, either, whatever was taken in meanwhile', async () => {
    await using test = await settable(0)
    await test.feed.end({ scope: 'jti', id: 'x', until: seconds() + 120 })
    await Promise.all([test.verifier.start(), test.feed.heartbeat()])
    test.set(3 * HOUR_MS)
    expect(await codeOf(test.verifier.verify(await test.token({ jti: 'x' })))).toBe('token_expired')
    // Enough to have all tables swept.
    for (let nth = 0; nth < 600; nth += 1)
      await test.feed.end({ scope: 'jti', id: `other-${nth}`, until: seconds() + 120 })
    await test.applied(601)
    test.set(0)
    await test.fresh()
    for (const jti of ['x', 'other-0', 'other-599'])
      expect(await codeOf(test.verifier.verify(await test.token({ jti })))).toBe('token_revoked')
  })

  it('behind makes tokens live no longer: the feed comes from the future, and is not believed', async () => {
    await using test = await settable(0)
    await Promise.all([test.verifier.start(), test.feed.heartbeat()])
    const token = await test.token({ iat: seconds() - 3_000 })
    expect(await codeOf(test.verifier.verify(token))).toBe('good')
    test.set(-HOUR_MS / 2)
    test.pass(15_001)
    await test.feed.heartbeat()
    await vi.waitFor(() => expect(test.verifier.health().issuers[0]?.revocations?.lastError).toMatch(/ahead/))
    expect(await codeOf(test.verifier.verify(token))).toBe('verifier_stale')
  })
})
