import { testFeed, type FakeSource, type TestFeed } from '@ledgate/revocation/testing'
import { createVerifier } from '../src/verifier/index.ts'
import { type Clock, type IssuerOptions, type Verifier, type VerifierOptions } from '../src/index.ts'
import { AUDIENCE, ISSUER, network, signingKey, type SigningKey } from './tokens.ts'

/** A clock that stands until a test moves it. */
export interface HandClock extends Clock {
  /** Both clocks, by milliseconds. */
  advance(ms: number): void
}

export function handClock(start = Date.now()): HandClock {
  let passed = 0
  return {
    wall: () => start + passed,
    monotonic: () => passed,
    advance: (ms) => void (passed += ms),
  }
}

export interface Setting {
  readonly clock: HandClock
  readonly feed: TestFeed
  readonly source: FakeSource
  readonly key: SigningKey
  readonly verifier: Verifier
  [Symbol.asyncDispose](): Promise<void>
}

/** A verifier of one issuer with a feed, on a clock that stands; it is started, and caught up with. */
export async function setting(options: Partial<VerifierOptions> & Partial<IssuerOptions> = {}): Promise<Setting> {
  const clock = handClock()
  const feed = await testFeed({ issuer: ISSUER, now: clock.wall })
  const source = feed.source()
  const key = await signingKey('es')
  const keys = network({ [ISSUER]: [key.jwk, feed.signer.jwk] })
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    revocations: source,
    jwks: { fetch: keys },
    clock,
    ...options,
  })
  await feed.heartbeat()
  await verifier.start()
  return { clock, feed, source, key, verifier, [Symbol.asyncDispose]: () => verifier.close() }
}
