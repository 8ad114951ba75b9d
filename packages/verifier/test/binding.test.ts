import { describe, expect, it } from 'vitest'
import { createVerifier } from '../src/verifier/index.ts'
import { type ProofChecker, type ProofRequest, type RequestContext } from '../src/index.ts'
import { VerifierError } from '../src/error/index.ts'
import { codeOf, refusalOf } from './outcome.ts'
import { optionsFor, signingKey, tokenBy } from './tokens.ts'

/** A checker that takes the proof `good` and remembers what it was asked. */
function checker(policy: ProofChecker['policy']): ProofChecker & { readonly asked: ProofRequest[] } {
  const asked: ProofRequest[] = []
  return {
    policy,
    algorithms: ['ES256'],
    asked,
    async check(request) {
      asked.push(request)
      if (request.proof !== 'good') throw new VerifierError('invalid_dpop_proof', { detail: 'bad', scheme: 'DPoP' })
    },
  }
}

async function opened(dpop: ProofChecker | undefined) {
  const key = await signingKey('es')
  const verifier = createVerifier(optionsFor([key], dpop === undefined ? {} : { dpop }))
  await verifier.start()
  const bearer = await tokenBy(key)
  const bound = await tokenBy(key, { cnf: { jkt: 'thumbprint' } })
  return { verifier, bearer, bound, [Symbol.asyncDispose]: () => verifier.close() }
}

const request = { method: 'GET', url: 'https://api.example/orders' }
const asBearer: RequestContext = { ...request, scheme: 'Bearer' }
const withProof = (dpop: string): RequestContext => ({ ...request, scheme: 'DPoP', dpop })

describe('a token that is bound to a key', () => {
  it.each<[ProofChecker['policy'] | 'off', 'bearer' | 'bound', RequestContext, string]>([
    ['off', 'bearer', asBearer, 'good'],
    ['off', 'bearer', withProof('good'), 'invalid_token'],
    ['off', 'bound', asBearer, 'invalid_token'],
    ['off', 'bound', withProof('good'), 'invalid_token'],
    ['allow', 'bearer', asBearer, 'good'],
    ['allow', 'bearer', {}, 'good'],
    ['allow', 'bearer', withProof('good'), 'invalid_token'],
    ['allow', 'bound', asBearer, 'invalid_token'],
    ['allow', 'bound', {}, 'invalid_token'],
    ['allow', 'bound', withProof('good'), 'good'],
    ['allow', 'bound', withProof('bad'), 'invalid_dpop_proof'],
    ['allow', 'bound', { ...request, scheme: 'DPoP' }, 'invalid_dpop_proof'],
    ['require', 'bearer', asBearer, 'invalid_token'],
    ['require', 'bound', withProof('good'), 'good'],
  ])(
    'is taken as it is bound and in no other way, each time: DPoP %s, %s, %j is %s',
    async (policy, which, how, code) => {
      await using test = await opened(policy === 'off' ? undefined : checker(policy))
      for (let time = 0; time < 2; time += 1) expect(await codeOf(test.verifier.verify(test[which], how))).toBe(code)
    },
  )

  it('has its proof checked for this very request, again and again, and never synchronously', async () => {
    const dpop = checker('allow')
    await using test = await opened(dpop)
    await test.verifier.verify(test.bound, withProof('good'))
    await test.verifier.verify(test.bound, withProof('good'))
    expect(test.verifier.verifySync(test.bound, withProof('good'))).toBeUndefined()
    const asked = { ...request, proof: 'good', accessToken: test.bound, jkt: 'thumbprint' }
    expect(dpop.asked).toEqual([asked, asked])
  })

  it('cannot be checked without a request: that is a mistake of the one who calls', async () => {
    await using test = await opened(checker('allow'))
    await expect(test.verifier.verify(test.bound, { scheme: 'DPoP', dpop: 'good' })).rejects.toThrow(TypeError)
  })

  it('is challenged in the scheme in which it was presented', async () => {
    await using test = await opened(checker('allow'))
    const refusal = await refusalOf(test.verifier.verify(test.bound, withProof('bad')))
    expect(refusal.headers['WWW-Authenticate']).toMatch(/^Bearer, DPoP error="invalid_dpop_proof", .*, algs="ES256"$/)
    expect((await refusalOf(test.verifier.verify(''))).headers['WWW-Authenticate']).toBe('Bearer, DPoP algs="ES256"')
  })
})
