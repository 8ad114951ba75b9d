import type { Notice } from '@ledgate/revocation'
import { describe, expect, it, vi } from 'vitest'
import { createVerifier } from '../src/verifier/index.ts'
import { type VerifierOptions } from '../src/index.ts'
import { codeOf } from './outcome.ts'
import { setting } from './setting.ts'
import { AUDIENCE, ISSUER, network, optionsFor, seconds, signingKey, tokenBy } from './tokens.ts'

const down: typeof fetch = async () => {
  throw new TypeError('fetch failed')
}

describe('a verifier', () => {
  it('is not ready before it is started: 503, and never 401', async () => {
    const key = await signingKey('es')
    await using verifier = createVerifier(optionsFor([key]))
    expect(verifier.health().isReady).toBe(false)
    expect(await codeOf(verifier.verify(await tokenBy(key)))).toBe('verifier_not_ready')
  })

  it('reports what is missing when start fails, and becomes ready later', async () => {
    const key = await signingKey('es')
    let fetching = down
    const fetch: typeof globalThis.fetch = (...asked) => fetching(...asked)
    await using verifier = createVerifier(optionsFor([key], { jwks: { fetch } }))
    await expect(verifier.start({ timeoutMs: 50 })).rejects.toMatchObject({
      code: 'verifier_not_ready',
      detail: expect.stringMatching(/keys of https:\/\/issuer\.example: GET https:.*fetch failed/),
    })
    fetching = network({ [ISSUER]: [key.jwk] })
    await verifier.start()
    expect(verifier.health()).toMatchObject({ isReady: true, issuers: [{ issuer: ISSUER, keys: { kids: ['es'] } }] })
  })

  it('is not ready while its feed is silent', async () => {
    await using test = await setting()
    const jwks = { fetch: network({ [ISSUER]: [test.key.jwk] }) }
    const source = test.feed.source()
    source.break()
    await using verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, revocations: source, jwks })
    await expect(verifier.start({ timeoutMs: 100 })).rejects.toMatchObject({
      detail: expect.stringMatching(/revocations of https:\/\/issuer\.example/),
    })
  })

  it('becomes ready through its fallback while the primary is unavailable', async () => {
    await using test = await setting()
    const primary = test.feed.source({ name: 'primary' })
    const fallback = test.feed.source({ name: 'fallback', begins: 'snapshot' })
    primary.hang()
    const jwks = { fetch: network({ [ISSUER]: [test.key.jwk, test.feed.signer.jwk] }) }
    const revocations = [primary, fallback] as const
    await using verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, revocations, jwks, clock: test.clock })
    await verifier.start()
    expect(verifier.health().issuers[0]?.revocations).toMatchObject({ isReady: true, source: 'fallback' })
  })

  it('verifies nothing once it is closed, and can be closed again', async () => {
    const test = await setting()
    const token = await tokenBy(test.key)
    const signal = test.verifier.watch(await test.verifier.verify(token))
    await test.verifier.close()
    await test.verifier.close()
    expect(await codeOf(test.verifier.verify(token))).toBe('verifier_not_ready')
    expect(await codeOf(test.verifier.start())).toBe('verifier_not_ready')
    expect(() => test.verifier.verifySync(token)).toThrow(expect.objectContaining({ code: 'verifier_not_ready' }))
    expect([signal.aborted, test.verifier.health().isReady]).toEqual([true, false])
  })

  it('says of a token that it was asked about before it was closed that it cannot tell, and not that it is bad', async () => {
    const key = await signingKey('es')
    const verifier = createVerifier(optionsFor([key]))
    await verifier.start()
    const verdict = codeOf(verifier.verify(await tokenBy(key)))
    await verifier.close()
    expect(await verdict).toBe('verifier_not_ready')
  })

  it('stops starting when it is closed meanwhile', async () => {
    const verifier = createVerifier(optionsFor([], { jwks: { fetch: down } }))
    const starting = codeOf(verifier.start())
    await verifier.close()
    expect(await starting).toBe('verifier_not_ready')
  })

  it('calls each listener once with every notice, even if one throws', async () => {
    await using test = await setting()
    const heard: Notice[] = []
    test.verifier.onRevoked(() => {
      throw new Error('a broken listener')
    })
    const stop = test.verifier.onRevoked((notice, issuer) => {
      expect(issuer).toBe(ISSUER)
      heard.push(notice)
    })
    const told = await test.feed.end({ scope: 'session', id: 'session-1', until: seconds() + 1_000 })
    await vi.waitFor(() => expect(heard).toEqual([told]))
    stop()
    await test.feed.end({ scope: 'session', id: 'session-2', until: seconds() + 1_000 })
    await vi.waitFor(() => expect(test.verifier.health().issuers[0]?.revocations?.applied).toBe(2))
    expect(heard).toHaveLength(1)
  })

  it('aborts watches when the notice arrives', async () => {
    await using test = await setting()
    const signal = test.verifier.watch(await test.verifier.verify(await tokenBy(test.key)))
    await test.feed.end({ scope: 'session', id: 'session-1', until: seconds() + 1_000 })
    await vi.waitFor(() => expect(signal.reason).toMatchObject({ code: 'token_revoked', status: 401 }))
  })

  it('aborts a watch that starts after the notice, as between a request and its upgrade', async () => {
    await using test = await setting()
    const principal = await test.verifier.verify(await tokenBy(test.key))
    await test.feed.end({ scope: 'session', id: 'session-1', until: seconds() + 1_000 })
    await vi.waitFor(() => expect(test.verifier.isRevoked(principal.facts)).toBe('session'))
    expect(test.verifier.watch(principal).reason).toMatchObject({ code: 'token_revoked' })
  })
})

describe('invalid options', () => {
  const good = optionsFor([])
  const source = { name: 'nothing', async *open() {} }
  it.each<[string, Partial<Record<string, unknown>>]>([
    ['no audience', { audience: undefined }],
    ['an empty audience', { audience: [] }],
    ['an empty name of an audience', { audience: '' }],
    ['an issuer over http', { issuer: 'http://issuer.example' }],
    ['an issuer that is no URL', { issuer: 'issuer' }],
    ['keys over http', { jwks: { uri: 'http://issuer.example/jwks' } }],
    ['nothing said about revocations', { revocations: undefined }],
    ['a symmetric algorithm', { algorithms: ['HS256'] }],
    ['none', { algorithms: ['none'] }],
    ['no algorithm', { algorithms: [] }],
    ['revocations that are true', { revocations: true }],
    ['no source of revocations', { revocations: [] }],
    ['three sources of revocations', { revocations: [source, source, source] }],
    ['a source that cannot be opened', { revocations: [source, {}] }],
    ['a key set fetched without a pause', { jwks: { refreshAheadMs: 0 } }],
    ['a pause that no timer can make', { jwks: { refreshAheadMs: 2 ** 31 } }],
    ['a pause that is no number', { jwks: { refreshAheadMs: Number.NaN } }],
    ['a key set that is too old before it is fetched again', { jwks: { refreshAheadMs: 2, maxStaleMs: 1 } }],
    ['a key set that is never too old', { jwks: { maxStaleMs: Number.POSITIVE_INFINITY } }],
    ['fetches that may take no time', { jwks: { timeoutMs: 0 } }],
    ['a wait that no timer can make', { jwks: { unknownKidWaitMs: Number.POSITIVE_INFINITY } }],
    ['a tolerance that notices do not outlive', { clockToleranceSeconds: 61 }],
    ['a tolerance that is no number', { clockToleranceSeconds: Number.NaN }],
    ['tokens without end', { maxTokenLifetimeSeconds: Number.POSITIVE_INFINITY }],
    ['a cache of one', { cache: { maxTokens: 1 } }],
    ['a cache without end', { cache: { maxTokens: Number.POSITIVE_INFINITY } }],
    ['no issuer', { issuers: [] }],
    ['an issuer twice', { issuers: [good, good] }],
  ])('are refused when the verifier is made: %s', (_, options) => {
    expect(() => createVerifier({ ...good, ...options } as VerifierOptions)).toThrow(TypeError)
  })

  it('are not these: http on this machine, or where it was allowed by its long name', () => {
    for (const options of [
      { ...good, issuer: 'http://localhost:8080' },
      { ...good, issuer: 'http://127.0.0.1:8080' },
      { ...good, issuer: 'http://ledgate:8080', allowInsecureRequests: true },
    ])
      expect(createVerifier(options)).toBeDefined()
  })
})
