import { afterEach, describe, expect, it } from 'vitest'
import { dpop } from '../../src/dpop/index.ts'
import { createVerifier } from '../../src/verifier/index.ts'
import { type Verifier } from '../../src/index.ts'
import { testDpopKey, testIssuer, type TestIssuer, type OneIssuerOptions } from '../../src/testing/index.ts'
import { codeOf } from '../outcome.ts'

const started: Verifier[] = []
afterEach(async () => {
  for (const verifier of started.splice(0)) await verifier.close()
})

async function trusting(issuer: TestIssuer, over?: Partial<OneIssuerOptions>): Promise<Verifier> {
  const verifier = createVerifier(issuer.verifierOptions(over))
  started.push(verifier)
  await verifier.start({ timeoutMs: 20_000 })
  return verifier
}

describe('the issuer of a test', () => {
  it('makes tokens that a verifier of its options takes, with any claims', async () => {
    const issuer = await testIssuer()
    const verifier = await trusting(issuer)
    const token = await issuer.token({ scope: 'orders:read orders:write', roles: ['clerk'], sub: 'u_7', sid: 's_7' })
    const principal = await verifier.verify(token)
    expect(principal).toMatchObject({ sub: 'u_7', sid: 's_7', kind: 'user', audience: ['https://api.test'] })
    expect(principal.scopes.has('orders:write') && principal.roles.has('clerk')).toBe(true)
  })

  it.each(['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'PS256'] as const)(
    'makes tokens by every algorithm that a verifier takes: %s',
    async (algorithm) => {
      const issuer = await testIssuer({ algorithm })
      expect(await codeOf((await trusting(issuer)).verify(await issuer.token()))).toBe('good')
    },
  )

  it('makes tokens of a service', async () => {
    const issuer = await testIssuer({ algorithm: 'EdDSA', audience: 'https://other.test' })
    const principal = await (await trusting(issuer)).verify(await issuer.token({ sub: 'c_1', client_id: 'c_1' }))
    expect(principal).toMatchObject({ kind: 'service', clientId: 'c_1', audience: ['https://other.test'] })
  })

  it('makes tokens that a verifier refuses, when it is told to', async () => {
    const issuer = await testIssuer()
    const verifier = await trusting(issuer)
    const past = Math.floor(Date.now() / 1000) - 600
    expect(await codeOf(verifier.verify(await issuer.token({ iat: past, exp: past + 300 })))).toBe('token_expired')
    for (const claims of [{ aud: 'https://else.test' }, { iss: 'https://else.test' }, { jti: undefined }])
      expect(await codeOf(verifier.verify(await issuer.token(claims)))).toBe('invalid_token')
    expect(await codeOf(verifier.verify(await issuer.token({}, { typ: 'JWT' })))).toBe('invalid_token')
    const other = await testIssuer()
    expect(await codeOf(verifier.verify(await other.token()))).toBe('invalid_token')
  })

  it.each(['jti', 'session', 'online_session', 'grant', 'user', 'client', 'issuer', 'key'] as const)(
    'has a token refused, when its revoking by %s resolves, by every verifier',
    async (scope) => {
      const issuer = await testIssuer()
      const verifiers = [await trusting(issuer), await trusting(issuer)]
      const names = { jti: 'j', session: 's', online_session: 's', grant: 'g', user: 'u', client: 'c' }
      const token = await issuer.token({ jti: 'j', sid: 's', gid: 'g', sub: 'u', client_id: 'c' })
      for (const verifier of verifiers) await verifier.verify(token)
      await issuer.revoke({
        scope,
        id: scope === 'key' ? issuer.kid : scope === 'issuer' ? issuer.issuer : names[scope],
      })
      for (const verifier of verifiers) expect(await codeOf(verifier.verify(token))).not.toBe('good')
    },
  )

  it('leaves alone what was not revoked, and what was made after', async () => {
    const issuer = await testIssuer()
    const verifier = await trusting(issuer)
    const [mine, another] = [await issuer.token({ sub: 'u_1' }), await issuer.token({ sub: 'u_2' })]
    await issuer.revoke({ scope: 'user', id: 'u_1' })
    expect(await codeOf(verifier.verify(mine))).toBe('token_revoked')
    expect(await codeOf(verifier.verify(another))).toBe('good')
    expect(await codeOf(verifier.verify(await issuer.token({ sub: 'u_1' })))).toBe('good')
  })

  it('revokes many at once, and each token by itself', async () => {
    const issuer = await testIssuer()
    const verifier = await trusting(issuer)
    const tokens = await Promise.all(Array.from({ length: 20 }, () => issuer.token()))
    const spared = await issuer.token()
    await Promise.all(tokens.map((token) => issuer.revoke(token)))
    for (const token of tokens) expect(await codeOf(verifier.verify(token))).toBe('token_revoked')
    expect(await codeOf(verifier.verify(spared))).toBe('good')
  })

  it('tells a verifier that starts later of what was revoked before', async () => {
    const issuer = await testIssuer()
    const token = await issuer.token()
    await issuer.revoke(token)
    expect(await codeOf((await trusting(issuer)).verify(token))).toBe('token_revoked')
  })

  it('can fall silent, until a verifier does not know any more, and go on', async () => {
    const issuer = await testIssuer()
    const verifier = await trusting(issuer, { onStale: { maxStalenessMs: 1_000 } })
    const token = await issuer.token()
    await verifier.verify(token)
    issuer.silence()
    await expect.poll(() => codeOf(verifier.verify(token)), { timeout: 30_000 }).toBe('verifier_stale')
    issuer.resume()
    await expect.poll(() => codeOf(verifier.verify(token)), { timeout: 30_000 }).toBe('good')
  })
})

describe('a DPoP-bound token', () => {
  const url = 'https://api.test/orders'

  it('is valid with a proof of its key, once, and never as a bearer token', async () => {
    const issuer = await testIssuer()
    const verifier = await trusting(issuer, { dpop: dpop() })
    const key = await testDpopKey()
    const accessToken = await issuer.token({ cnf: { jkt: key.jkt } })
    const context = { method: 'GET', url, scheme: 'DPoP' } as const
    const proof = await key.prove({ method: 'GET', url, accessToken })
    expect(await codeOf(verifier.verify(accessToken, { ...context, dpop: proof }))).toBe('good')
    expect(await codeOf(verifier.verify(accessToken, { ...context, dpop: proof }))).toBe('invalid_dpop_proof')
    expect(await codeOf(verifier.verify(accessToken, context))).toBe('invalid_dpop_proof')
    expect(await codeOf(verifier.verify(accessToken))).toBe('invalid_token')
    const stolen = await (await testDpopKey()).prove({ method: 'GET', url, accessToken })
    expect(await codeOf(verifier.verify(accessToken, { ...context, dpop: stolen }))).toBe('invalid_dpop_proof')
  })

  it('is required if the policy says so, and refused if DPoP is not enabled', async () => {
    const issuer = await testIssuer()
    const key = await testDpopKey()
    const [bound, free] = [await issuer.token({ cnf: { jkt: key.jkt } }), await issuer.token()]
    const [requiring, unknowing] = [
      await trusting(issuer, { dpop: dpop({ policy: 'require' }) }),
      await trusting(issuer),
    ]
    const fresh = async () => ({
      method: 'GET',
      url,
      scheme: 'DPoP' as const,
      dpop: await key.prove({ method: 'GET', url, accessToken: bound }),
    })
    expect(await codeOf(requiring.verify(bound, await fresh()))).toBe('good')
    expect(await codeOf(requiring.verify(free))).toBe('invalid_token')
    expect(await codeOf(unknowing.verify(bound, await fresh()))).toBe('invalid_token')
    expect(await codeOf(unknowing.verify(free, { ...(await fresh()) }))).toBe('invalid_token')
  })
})
