import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { dpop, memoryReplayStore, nonceIssuer, type DpopOptions } from '../../src/dpop/index.ts'
import { VerifierError } from '../../src/error/verifier-error.ts'
import { NOW, prover, REQUEST } from './proving.ts'
import { RFC_EXAMPLE } from './rfc9449.ts'

const client = await prover()
const stranger = await prover()
const now = () => NOW * 1000

const checking = (options: DpopOptions = {}) => {
  const checker = dpop({ now, ...options })
  return (proof: string | undefined, request: Partial<typeof REQUEST> & { jkt?: string } = {}) =>
    checker.check({ ...REQUEST, jkt: client.jkt, ...request, proof })
}

/** The error that a check throws. */
async function errorOf(outcome: Promise<void>): Promise<VerifierError> {
  const error = await outcome.then(() => undefined).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(VerifierError)
  return error as VerifierError
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const SHARED: object = { kty: 'oct', k: 'c2VjcmV0' }
const withHeader = (proof: string, header: unknown) => [encoded(header), ...proof.split('.').slice(1)].join('.')

describe('a proof of possession', () => {
  it('of RFC 9449 §7.1 is good at its time, for its request, token and key', async () => {
    const { iat, ...request } = RFC_EXAMPLE
    await expect(dpop({ now: () => iat * 1000 }).check(request)).resolves.toBeUndefined()
  })

  it.each(['ES256', 'EdDSA', 'RS256'])('by %s is good', async (alg) => {
    const other = await prover(alg)
    await expect(checking()(await other.prove(), { jkt: other.jkt })).resolves.toBeUndefined()
  })

  it('is taken from the moment it is made until it is 30 seconds old, and from clocks 5 seconds ahead', async () => {
    const check = checking()
    for (const iat of [NOW - 30, NOW, NOW + 5])
      await expect(check(await client.prove({ iat }))).resolves.toBeUndefined()
    for (const iat of [NOW - 31, NOW + 6])
      expect((await errorOf(check(await client.prove({ iat })))).code).toBe('invalid_dpop_proof')
  })

  it('that is too old is refused whatever a store of somebody else says', async () => {
    const check = checking({ replays: { add: () => true } })
    await expect(check(await client.prove({ iat: NOW - 30 }))).resolves.toBeUndefined()
    expect((await errorOf(check(await client.prove({ iat: NOW - 31 })))).detail).toBe('DPoP proof: it is too old')
  })

  const refused: Record<string, () => Promise<string | undefined>> = {
    'is missing': async () => undefined,
    'is empty': async () => '',
    'is no JWS': async () => 'nonsense',
    'came twice in one header': async () => `${await client.prove()}, ${await client.prove()}`,
    'is too long': async () => client.prove({ padding: 'x'.repeat(9_000) }),
    'has another type': () => client.prove({}, { typ: 'JWT' }),
    'has no type': () => client.prove({}, { typ: undefined }),
    'has the type in other letters': () => client.prove({}, { typ: 'DPOP+JWT' }),
    'carries no key': () => client.prove({}, { jwk: undefined }),
    'carries the private key': () => client.prove({}, { jwk: client.privateJwk }),
    'carries something secret beside the public key': () => client.prove({}, { jwk: { ...client.jwk, k: 'c2VjcmV0' } }),
    'carries the key of somebody else': () => client.prove({}, { jwk: stranger.jwk }),
    'is by the key of somebody else': () => stranger.prove(),
    'names a critical extension': () => client.prove({}, { crit: ['x'], x: 1 }),
    'is not signed': async () => `${encoded({ alg: 'none', typ: 'dpop+jwt', jwk: client.jwk })}.e30.`,
    'is signed with a shared secret': () =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk: SHARED })
        .sign(new TextEncoder().encode('secret'.repeat(8))),
    'is by an algorithm that is not allowed': async () => (await prover('PS256')).prove(),
    'was changed after it was signed': async () => {
      const [header = '', , signature = ''] = (await client.prove()).split('.')
      return [header, encoded({ jti: 'x' }), signature].join('.')
    },
    'says another algorithm than it is signed by': async () =>
      withHeader(await client.prove(), { alg: 'EdDSA', typ: 'dpop+jwt', jwk: client.jwk }),
    'has a point that is not on the curve': async () =>
      withHeader(await client.prove(), { alg: 'ES256', typ: 'dpop+jwt', jwk: { ...client.jwk, y: client.jwk.x } }),
    'has no jti': () => client.prove({ jti: undefined }),
    'has an empty jti': () => client.prove({ jti: '' }),
    'has a jti of a thousand characters': () => client.prove({ jti: 'j'.repeat(1_000) }),
    'has no iat': () => client.prove({ iat: undefined }),
    'has an iat that is no number': () => client.prove({ iat: '1000' }),
    'is for another method': () => client.prove({ htm: 'POST' }),
    'has the method in other letters': () => client.prove({ htm: 'get' }),
    'is for another path': () => client.prove({ htu: 'https://api.example/order' }),
    'is for another host': () => client.prove({ htu: 'https://api.example.attacker.example/orders' }),
    'is for http': () => client.prove({ htu: 'http://api.example/orders' }),
    'is for no URL': () => client.prove({ htu: '/orders' }),
    'is not for an access token': () => client.prove({ ath: undefined }),
    'is for another access token': () => client.prove({ ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo' }),
  }

  it.each(Object.entries(refused))('that %s is refused', async (_, make) => {
    const error = await errorOf(checking()(await make()))
    expect(error).toMatchObject({ code: 'invalid_dpop_proof', status: 401, error: 'invalid_dpop_proof' })
  })

  it('control: the same proof, with nothing wrong, is good', async () => {
    await expect(checking()(await client.prove())).resolves.toBeUndefined()
  })

  it('says in its challenge which algorithms can be used, and nothing about the cause', async () => {
    const error = await errorOf(checking()(await client.prove({ htm: 'POST' })))
    const challenge = error.in({ dpop: { policy: 'require', algorithms: ['ES256', 'EdDSA'] } }).headers
    expect(challenge).toEqual({
      'WWW-Authenticate':
        'DPoP error="invalid_dpop_proof", error_description="The DPoP proof is missing or invalid", algs="ES256 EdDSA"',
    })
    expect(error.detail).toBe('DPoP proof: it is for another method')
  })

  it('is never quoted in an error', async () => {
    const proof = await client.prove({ htm: 'POST' })
    const error = await errorOf(checking()(proof))
    expect(JSON.stringify([error.message, error.detail, error.headers, String(error.cause)])).not.toContain(proof)
  })

  it('cannot be by a symmetric algorithm, whatever the options say', () => {
    for (const algorithm of ['HS256', 'none'])
      expect(() => dpop({ algorithms: [algorithm as 'ES256'] })).toThrow(TypeError)
    expect(() => dpop({ algorithms: [] })).toThrow(TypeError)
  })

  it('is neither good for ever nor remembered without end, whatever the options say', () => {
    for (const seconds of [Number.NaN, Number.POSITIVE_INFINITY, -1, 3_601]) {
      expect(() => dpop({ maxAgeSeconds: seconds })).toThrow(TypeError)
      expect(() => dpop({ clockToleranceSeconds: seconds })).toThrow(TypeError)
    }
    for (const maxProofs of [Number.NaN, Number.POSITIVE_INFINITY, 0, 1.5])
      expect(() => memoryReplayStore({ maxProofs })).toThrow(TypeError)
  })
})

describe('a proof with a nonce', () => {
  const at = (seconds: { now: number }) => () => seconds.now * 1000

  it('is asked for with the nonce to use', async () => {
    const nonces = nonceIssuer({ now })
    const check = checking({ nonces })
    for (const nonce of [undefined, '', 'x', 'ü'.repeat(22), 'x'.repeat(22)]) {
      const error = await errorOf(check(await client.prove({ nonce })))
      expect(error).toMatchObject({ code: 'use_dpop_nonce', status: 401 })
      expect(error.headers['DPoP-Nonce']).toBe(nonces.current())
    }
    await expect(check(await client.prove({ nonce: nonces.current() }))).resolves.toBeUndefined()
  })

  it('is good whatever the clock of the client says', async () => {
    const nonces = nonceIssuer({ now })
    const proof = await client.prove({ iat: 5, nonce: nonces.current() })
    await expect(checking({ nonces })(proof)).resolves.toBeUndefined()
  })

  it('is good through one rotation, and asked for anew after the next', async () => {
    const time = { now: 1_200 }
    const nonces = nonceIssuer({ now: at(time), rotateSeconds: 100 })
    const check = checking({ nonces, now: at(time) })
    const nonce = nonces.current()
    time.now = 1_399
    expect(nonces.current()).not.toBe(nonce)
    await expect(check(await client.prove({ nonce }))).resolves.toBeUndefined()
    time.now = 1_400
    expect((await errorOf(check(await client.prove({ nonce })))).code).toBe('use_dpop_nonce')
  })

  it('is not used twice while its nonce is good', async () => {
    const time = { now: 1_200 }
    const nonces = nonceIssuer({ now: at(time), rotateSeconds: 100 })
    const check = checking({ nonces, now: at(time) })
    const proof = await client.prove({ nonce: nonces.current() })
    await check(proof)
    for (time.now = 1_200; time.now < 1_420; time.now += 10) await errorOf(check(proof))
  })

  it('is known to every process that has the secret, and to no other', () => {
    const secret = new Uint8Array(32).fill(7)
    const nonce = nonceIssuer({ secret, now }).current()
    expect(nonceIssuer({ secret, now }).expiryOf(nonce)).toBeDefined()
    expect(nonceIssuer({ now }).expiryOf(nonce)).toBeUndefined()
    expect(() => nonceIssuer({ secret: new Uint8Array(31) })).toThrow(TypeError)
  })
})
