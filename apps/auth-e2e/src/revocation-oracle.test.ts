import { type Verifier, VerifierError } from '@ledgate/verifier'
import { UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { brokenBy, type KnownToken, revocationOracle, type Saying, type Verdict } from './revocation-oracle.ts'

const BOUND_MS = 15_000
const innocent = { sentAt: undefined, acknowledgedAt: undefined }
const revoked = { sentAt: 1_000, acknowledgedAt: 2_000 }
const unanswered = { sentAt: 1_000, acknowledgedAt: undefined }

const saying = (verdict: Verdict, askedAt: number, before: number, more: Partial<Saying> = {}): Saying => ({
  verdict,
  askedAt,
  staleness: { before, after: before },
  hadRefused: false,
  ...more,
})
const brokenIn = (token: Omit<KnownToken, 'text'>, said: Saying) => brokenBy(token, said, BOUND_MS)

describe('what was revoked', () => {
  it('is not accepted by a verifier to which a later time was vouched for', () => {
    expect(brokenIn(revoked, saying('accepted', 5_000, 500))).toEqual([
      'what was revoked before the time that was vouched for is not accepted',
    ])
  })

  it('may be accepted by one that was told nothing of so late', () => {
    expect(brokenIn(revoked, saying('accepted', 5_000, 3_000))).toEqual([])
  })

  it('may be accepted or refused before it is acknowledged', () => {
    for (const verdict of ['accepted', 'token_revoked'] as const)
      expect(brokenIn(unanswered, saying(verdict, 5_000, 0))).toEqual([])
  })

  it('is not accepted again by one that refused it', () => {
    expect(brokenIn(unanswered, saying('accepted', 5_000, 0, { hadRefused: true }))).toEqual([
      'what was refused as revoked is not accepted again',
    ])
  })
})

describe('what was never revoked', () => {
  it('is not refused', () => {
    for (const verdict of ['token_revoked', 'invalid_token'] as const)
      expect(brokenIn(innocent, saying(verdict, 5_000, 0))).toEqual(['what was never revoked is not refused'])
  })

  it('may be answered with 503', () => {
    for (const verdict of ['verifier_stale', 'verifier_not_ready'] as const)
      expect(brokenIn(innocent, saying(verdict, 5_000, Number.POSITIVE_INFINITY))).toEqual([])
  })

  it('is not accepted by what is staler than the bound, unless it became fresh meanwhile', () => {
    expect(brokenIn(innocent, saying('accepted', 50_000, BOUND_MS + 1))).toEqual([
      'nothing is accepted by what is staler than the bound',
    ])
    const becameFresh = { staleness: { before: BOUND_MS + 1, after: 3 } }
    expect(brokenIn(innocent, saying('accepted', 50_000, BOUND_MS + 1, becameFresh))).toEqual([])
  })
})

describe('a witness', () => {
  /** Says what it is told to say, in order. */
  function talkative(...verdicts: readonly Verdict[]): Verifier {
    const left = [...verdicts]
    const verify = async () => {
      const verdict = left.shift()
      if (verdict !== 'accepted') throw new VerifierError(verdict ?? 'verifier_not_ready')
    }
    const health = () => ({ issuers: [{ revocations: { stalenessMs: 1 } }] })
    return { verify, health } as unknown as Verifier
  }

  const text = new UnsecuredJWT({ jti: 't_1' }).encode()

  it('is remembered by what it said, and each broken promise says when that was', async () => {
    const oracle = revocationOracle({ seed: 7 })
    const token = { text, sentAt: performance.now(), acknowledgedAt: undefined }
    const witness = oracle.witness('forgetful', talkative('accepted', 'token_revoked', 'accepted'))
    oracle.round = 3
    for (let time = 0; time < 3; time += 1) await witness.ask(token)
    expect(oracle.broken).toEqual([
      expect.objectContaining({
        promised: 'what was refused as revoked is not accepted again',
        seed: 7,
        round: 3,
        verifier: 'forgetful',
        token: 't_1',
        sentAt: token.sentAt,
        askedAt: expect.any(Number),
      }),
    ])
    expect(oracle.verdicts).toEqual({ accepted: 2, token_revoked: 1 })
  })

  it('is asked again until it gives a verdict', async () => {
    const { witness } = revocationOracle({ seed: 7 })
    const token = { text, sentAt: undefined, acknowledgedAt: undefined }
    expect(await witness('slow', talkative('verifier_not_ready', 'accepted')).verdictOn(token)).toBe('accepted')
  })
})
