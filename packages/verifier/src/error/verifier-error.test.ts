import { describe, expect, it } from 'vitest'
import type { ChallengeContext } from './challenge.ts'
import { VerifierError, type VerifierErrorCode, type VerifierErrorOptions } from './verifier-error.ts'

const INVALID =
  'error="invalid_token", error_description="The access token provided is expired, revoked, malformed, or invalid for other reasons"'
const INSUFFICIENT =
  'error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token"'
const STEP_UP =
  'error="insufficient_user_authentication", error_description="A different authentication level is required"'
const PROOF = 'error="invalid_dpop_proof", error_description="The DPoP proof is missing or invalid"'
const NONCE = 'error="use_dpop_nonce", error_description="The DPoP proof needs the nonce given here"'
const METADATA = 'https://api.example/.well-known/oauth-protected-resource'

const plain: ChallengeContext = {}
const named: ChallengeContext = { realm: 'orders', resourceMetadata: METADATA }
const either: ChallengeContext = { dpop: { policy: 'allow', algorithms: ['ES256', 'EdDSA'] } }
const bound: ChallengeContext = { dpop: { policy: 'require', algorithms: ['ES256'] } }

type Row = readonly [
  VerifierErrorCode,
  VerifierErrorOptions,
  ChallengeContext,
  status: number,
  challenge: string | undefined,
]

const TABLE: readonly Row[] = [
  ['missing_token', {}, plain, 401, 'Bearer'],
  ['missing_token', {}, named, 401, `Bearer realm="orders", resource_metadata="${METADATA}"`],
  ['missing_token', {}, either, 401, 'Bearer, DPoP algs="ES256 EdDSA"'],
  ['missing_token', {}, bound, 401, 'DPoP algs="ES256"'],
  ['invalid_request', {}, plain, 400, 'Bearer error="invalid_request", error_description="The request is malformed"'],
  ['invalid_token', {}, plain, 401, `Bearer ${INVALID}`],
  ['token_expired', {}, plain, 401, `Bearer ${INVALID}`],
  ['token_revoked', {}, plain, 401, `Bearer ${INVALID}`],
  ['invalid_token', {}, named, 401, `Bearer realm="orders", ${INVALID}, resource_metadata="${METADATA}"`],
  ['invalid_token', { scheme: 'Bearer' }, either, 401, `Bearer ${INVALID}, DPoP algs="ES256 EdDSA"`],
  ['invalid_token', { scheme: 'DPoP' }, either, 401, `Bearer, DPoP ${INVALID}, algs="ES256 EdDSA"`],
  ['invalid_token', { scheme: 'Bearer' }, bound, 401, `DPoP ${INVALID}, algs="ES256"`],
  ['invalid_token', { scheme: 'DPoP' }, plain, 401, `Bearer ${INVALID}`],
  ['invalid_dpop_proof', {}, either, 401, `Bearer, DPoP ${PROOF}, algs="ES256 EdDSA"`],
  ['use_dpop_nonce', { headers: { 'DPoP-Nonce': 'n' } }, bound, 401, `DPoP ${NONCE}, algs="ES256"`],
  [
    'insufficient_scope',
    { parameters: { scope: 'orders:read orders:write' } },
    plain,
    403,
    `Bearer ${INSUFFICIENT}, scope="orders:read orders:write"`,
  ],
  [
    'insufficient_user_authentication',
    { parameters: { acr_values: 'gold silver', max_age: '300' } },
    plain,
    401,
    `Bearer ${STEP_UP}, acr_values="gold silver", max_age="300"`,
  ],
  ['access_denied', {}, named, 403, undefined],
  ['verifier_stale', { retryAfterSeconds: 2.1 }, named, 503, undefined],
  ['verifier_not_ready', {}, named, 503, undefined],
]

describe('the answer to a request that is not let through', () => {
  it.each(TABLE)('%s %j in %j is %i %s', (code, options, context, status, challenge) => {
    const error = new VerifierError(code, options).in(context)
    expect(error.status).toBe(status)
    expect(error.headers['WWW-Authenticate']).toBe(challenge)
  })

  it('says when to come back when it cannot be told now', () => {
    expect(new VerifierError('verifier_stale', { retryAfterSeconds: 2.1 }).headers).toEqual({ 'Retry-After': '3' })
    expect(new VerifierError('verifier_not_ready').headers).toEqual({ 'Retry-After': '1' })
  })

  it('carries what else a client needs', () => {
    expect(new VerifierError('use_dpop_nonce', { headers: { 'DPoP-Nonce': 'n' } }).headers['DPoP-Nonce']).toBe('n')
  })

  it('cannot be made to say more headers or parameters by what is quoted in it', () => {
    const scope = 'a"b\\c\r\nSet-Cookie: x=y; \u{1F600}\u0000'
    const { headers } = new VerifierError('insufficient_scope', { parameters: { scope } })
    expect(headers['WWW-Authenticate']).toMatch(/, scope="a\\"b\\\\c {2}Set-Cookie: x=y; {2,4}"$/)
  })

  it('keeps detail and cause for the log, and out of everything that is sent', () => {
    const cause = new Error('inner')
    const error = new VerifierError('invalid_token', { detail: 'wrong audience', cause }).in({ realm: 'r' })
    expect([error.detail, error.cause]).toEqual(['wrong audience', cause])
    expect(JSON.stringify([error.headers, error.message, error.description, error.error])).not.toMatch(/audience|inner/)
  })
})

describe('the stack of everybody else', () => {
  it('is what it was before a refusal was made, and also before one that cannot be', () => {
    const { stackTraceLimit } = Error
    const refusal = new VerifierError('token_revoked', { detail: 'ended by session' })
    expect(refusal.stack).not.toContain('\n')
    expect(() => new VerifierError('forbidden' as never)).toThrow(TypeError)
    expect(Error.stackTraceLimit).toBe(stackTraceLimit)
    expect(new Error('a defect').stack).toContain('verifier-error.test.ts')
  })
})
