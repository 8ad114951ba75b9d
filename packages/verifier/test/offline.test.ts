import dns from 'node:dns'
import net from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createVerifier } from '../src/verifier/index.ts'
import { codeOf } from './outcome.ts'
import { setting } from './setting.ts'
import { ISSUER, network, optionsFor, signingKey, tokenBy } from './tokens.ts'

afterEach(() => void vi.restoreAllMocks())

/** Everything by which this process could reach anything. */
function cutOff(): { readonly attempts: () => number } {
  let attempts = 0
  const refuse = (): never => {
    attempts += 1
    throw new Error('the network was asked')
  }
  vi.spyOn(globalThis, 'fetch').mockImplementation(refuse)
  vi.spyOn(net, 'connect').mockImplementation(refuse)
  vi.spyOn(net, 'createConnection').mockImplementation(refuse)
  vi.spyOn(net.Socket.prototype, 'connect').mockImplementation(refuse)
  vi.spyOn(dns, 'lookup').mockImplementation(refuse as never)
  vi.spyOn(dns.promises, 'lookup').mockImplementation(refuse)
  return { attempts: () => attempts }
}

describe('on the request path', () => {
  it('the network is asked for nothing, for tokens seen and unseen, good and bad', async () => {
    let fetches = 0
    await using test = await setting({
      metrics: { count: (counter) => void (fetches += counter === 'key_fetches' ? 1 : 0) },
    })
    const tokens = await Promise.all(Array.from({ length: 300 }, () => tokenBy(test.key)))
    const before = fetches
    const { attempts } = cutOff()
    for (let round = 0; round < 100; round += 1)
      for (const token of tokens) expect(await codeOf(test.verifier.verify(token))).toBe('good')
    for (const bad of [
      '',
      'x',
      await tokenBy(test.key, { exp: 1, iat: 0 }),
      await tokenBy(test.key, {}, { typ: 'JWT' }),
    ])
      expect(await codeOf(test.verifier.verify(bad))).not.toBe('good')
    expect([attempts(), fetches - before]).toEqual([0, 0])
  })

  it('an unknown key is refused at once, however the network hangs, and looked for behind it', async () => {
    const [old, fresh] = await Promise.all([signingKey('old'), signingKey('fresh')])
    const works = network({ [ISSUER]: [old.jwk, fresh.jwk] })
    const hanging = Promise.withResolvers<void>()
    let fetches = 0
    const fetch: typeof globalThis.fetch = async (...asked) => {
      fetches += 1
      if (fetches <= 2) return network({ [ISSUER]: [old.jwk] })(...asked)
      await hanging.promise
      return works(...asked)
    }
    await using verifier = createVerifier(optionsFor([], { jwks: { fetch } }))
    await verifier.start()
    const token = await tokenBy(fresh)
    for (let each = 0; each < 100; each += 1) expect(await codeOf(verifier.verify(token))).toBe('invalid_token')
    expect(await codeOf(verifier.verify(await tokenBy(old)))).toBe('good')
    hanging.resolve()
    await vi.waitFor(async () => expect(await codeOf(verifier.verify(token))).toBe('good'))
    expect(fetches).toBe(3)
  })

  it('a token that names no key has nothing looked for where one has signed it, or its kid is no name', async () => {
    const key = await signingKey('es')
    let fetches = 0
    const fetch: typeof globalThis.fetch = async (...asked) => {
      fetches += 1
      return network({ [ISSUER]: [key.jwk] })(...asked)
    }
    await using verifier = createVerifier(optionsFor([], { jwks: { fetch, unknownKidWaitMs: 1_000 } }))
    await verifier.start()
    const before = fetches
    expect(await codeOf(verifier.verify(await tokenBy(key, {}, { kid: undefined })))).toBe('good')
    for (const kid of ['', 7, ['es']])
      expect(await codeOf(verifier.verify(await tokenBy(key, {}, { kid })))).toBe('invalid_token')
    expect(fetches).toBe(before)
  })

  it('an unknown key is no fault of a token while the set cannot be fetched: 503, and 401 again afterwards', async () => {
    const [old, fresh] = await Promise.all([signingKey('old'), signingKey('fresh')])
    let isDown = false
    const fetch: typeof globalThis.fetch = async (...asked) => {
      if (isDown) throw new TypeError('fetch failed')
      return network({ [ISSUER]: [old.jwk] })(...asked)
    }
    await using verifier = createVerifier(optionsFor([], { jwks: { fetch } }))
    await verifier.start()
    isDown = true
    const verdict = async () => codeOf(verifier.verify(await tokenBy(fresh)))
    expect(await verdict()).toBe('invalid_token')
    await vi.waitFor(async () => expect(await verdict()).toBe('verifier_not_ready'))
    expect(await codeOf(verifier.verify(await tokenBy(old)))).toBe('good')
    isDown = false
    await vi.waitFor(async () => expect(await verdict()).toBe('invalid_token'), { timeout: 20_000 })
  })

  it('an unknown key is waited for where that was asked for, and no longer', async () => {
    const [old, fresh] = await Promise.all([signingKey('old'), signingKey('fresh')])
    let listed = [old.jwk]
    const fetch: typeof globalThis.fetch = (...asked) => network({ [ISSUER]: listed })(...asked)
    await using verifier = createVerifier(optionsFor([], { jwks: { fetch, unknownKidWaitMs: 30_000 } }))
    await verifier.start()
    listed = [old.jwk, fresh.jwk]
    const tokens = await Promise.all(Array.from({ length: 20 }, () => tokenBy(fresh)))
    expect(new Set(await Promise.all(tokens.map((token) => codeOf(verifier.verify(token)))))).toEqual(new Set(['good']))
  })
})
