import { randomBytes } from 'node:crypto'
import { EVENT_TYPES, type Notice } from '@ledgate/revocation'
import { testSigner } from '@ledgate/revocation/testing'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { codeOf } from './outcome.ts'
import { type Setting, setting } from './setting.ts'
import { ISSUER, seconds, signingKey, tokenBy } from './tokens.ts'

const SET = { typ: 'secevent+jwt' }

/** The claims of a notice that would end the token `x`, if only it were one. */
const claims = (change: object = {}) => ({
  iss: ISSUER,
  iat: seconds(),
  jti: 'event',
  txn: 'txn',
  sub_id: { format: 'opaque', id: 'x' },
  events: {
    [EVENT_TYPES.jti.tokenRevoked]: { event_timestamp: seconds(), until: seconds() + 10_000, position: '9' },
  },
  ...change,
})

const heartbeat = (at: number) => ({
  ...claims({ txn: undefined, sub_id: { format: 'uri', uri: ISSUER } }),
  events: { 'urn:ledgate:secevent:heartbeat': { through: '9', at } },
})

/** A header that asks for an extension that nobody here knows. */
const critical = { ...SET, crit: ['urn:ledgate:test'], 'urn:ledgate:test': true }

/** What a verifier knows of its feed. */
const health = ({ verifier }: Setting) => verifier.health().issuers[0]?.revocations

/** Messages that the issuer did not make, each of which would end the token or confirm too much. */
const FORGED: readonly [string, (test: Setting) => Promise<string> | string][] = [
  ['nothing', () => ''],
  ['text', () => 'garbage'],
  ['ten megabytes', () => randomBytes(5_000_000).toString('hex')],
  ['ten megabytes in three parts', () => ['a', 'b', 'c'].map((part) => part.repeat(3_400_000)).join('.')],
  [
    'a notice by a stranger under the kid of the issuer',
    async ({ feed }) => (await testSigner({ kid: feed.signer.kid })).sign(SET, claims()),
  ],
  [
    'a heartbeat by a stranger',
    async ({ feed, clock }) => (await testSigner({ kid: feed.signer.kid })).sign(SET, heartbeat(clock.wall())),
  ],
  ['a notice by a key that nobody knows', async () => (await testSigner({ kid: 'other' })).sign(SET, claims())],
  ['a token', ({ key }) => tokenBy(key)],
  ['a notice of another type', ({ feed }) => feed.signer.sign({ typ: 'at+jwt' }, claims())],
  ['a notice of another issuer', ({ feed }) => feed.signer.sign(SET, claims({ iss: 'https://evil.example' }))],
  ['a notice with exp', ({ feed }) => feed.signer.sign(SET, claims({ exp: seconds() + 60 }))],
  ['a notice with sub', ({ feed }) => feed.signer.sign(SET, claims({ sub: 'user-1' }))],
  ['a notice of two events', ({ feed }) => feed.signer.sign(SET, claims({ events: { ...claims().events, a: {} } }))],
  ['a notice of no event', ({ feed }) => feed.signer.sign(SET, claims({ events: {} }))],
  ['a notice without a subject', ({ feed }) => feed.signer.sign(SET, claims({ sub_id: undefined }))],
  ['a notice with a crit', ({ feed }) => feed.signer.sign(critical, claims())],
  ['a notice that is not signed', ({ feed }) => unsigned({ alg: 'none', kid: feed.signer.kid, ...SET }, claims())],
  ['claims that are no JSON', ({ feed }) => feed.signer.forge(SET, '{"iss"')],
]

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const unsigned = (header: object, payload: object): string => `${encoded(header)}.${encoded(payload)}.`

describe('a forged message in the feed', () => {
  it.each(FORGED)('revokes nothing, confirms nothing, delays nothing, and is reported: %s', async (_, make) => {
    const warn = vi.fn()
    await using test = await setting({ logger: { info() {}, warn } })
    const token = await tokenBy(test.key, { jti: 'x' })
    await test.verifier.verify(token)
    test.clock.advance(1_000)
    test.source.push(await make(test))
    await test.feed.end({ scope: 'jti', id: 'y', until: seconds() + 10_000 })
    await vi.waitFor(() => expect(health(test)).toMatchObject({ applied: 1, refused: 1, stalenessMs: 1_000 }))
    expect(await codeOf(test.verifier.verify(token))).toBe('good')
    expect(warn).toHaveBeenCalledWith(
      { err: expect.objectContaining({ code: 'ERR_INVALID_STATEMENT' }), issuer: ISSUER },
      expect.any(String),
    )
  })

  it('control: with a signature of the issuer the token is revoked and the heartbeat confirms', async () => {
    await using test = await setting()
    const token = await tokenBy(test.key, { jti: 'x' })
    await test.verifier.verify(token)
    test.clock.advance(1_000)
    const { signer } = test.feed
    test.source.push(await signer.sign(SET, claims()), await signer.sign(SET, heartbeat(test.clock.wall())))
    await vi.waitFor(() => expect(health(test)).toMatchObject({ applied: 1, refused: 0, stalenessMs: 0 }))
    expect(await codeOf(test.verifier.verify(token))).toBe('token_revoked')
  })

  it('of a newer issuer with an unknown event is skipped without a warning', async () => {
    const warn = vi.fn()
    await using test = await setting({ logger: { info() {}, warn } })
    const events = { 'urn:ledgate:secevent:from-the-future': { anything: true } }
    test.source.push(await test.feed.signer.sign(SET, claims({ events })))
    await test.feed.heartbeat()
    await vi.waitFor(() => expect(health(test)).toMatchObject({ unknown: 1, refused: 0, isReady: true }))
    expect(warn).not.toHaveBeenCalled()
  })
})

describe('a notice that was modified', { timeout: 120_000 }, () => {
  it('has no effect, and the next one is applied', async () => {
    await using test = await setting()
    const notice: Notice = await test.feed.end({ scope: 'jti', id: 'first', until: seconds() + 10_000 })
    const made = await test.feed.sign({
      ...notice,
      ended: { scope: 'jti', id: 'x', until: seconds() + 10_000 },
    } as Notice)
    const token = await tokenBy(test.key, { jti: 'x' })
    const other = await signingKey('other')
    let refused = 0
    await fc.assert(
      fc.asyncProperty(
        // Not the last character, of which some bits stand for nothing.
        fc.nat({ max: made.length - 2 }),
        fc.constantFrom('A', 'Q', '0', '_', '.', '\0', 'é', '{'),
        fc.constantFrom('replaced', 'put in', 'cut off'),
        async (at, by, how) => {
          const rest = { replaced: made.slice(at + 1), 'put in': made.slice(at), 'cut off': '' }[how]
          const changed = made.slice(0, at) + by + rest
          fc.pre(changed !== made)
          test.source.push(changed)
          refused += 1
          await vi.waitFor(() => expect(health(test)?.refused).toBe(refused), { interval: 1, timeout: 5_000 })
          expect(await codeOf(test.verifier.verify(token))).toBe('good')
        },
      ),
      { numRuns: rounds({ quick: 60, long: 1_000 }) },
    )
    test.source.push(await other.sign({ ...SET, kid: 'other' }, JSON.stringify(claims())), made)
    await vi.waitFor(async () => expect(await codeOf(test.verifier.verify(token))).toBe('token_revoked'))
  })
})
