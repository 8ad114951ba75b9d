import { createRemoteJWKSet, customFetch, exportJWK, generateKeyPair, type JWK } from 'jose'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { KeyCache, KeyCacheOptions } from './key-cache.ts'
import { RemoteKeySet } from './remote-key-set.ts'

const URI = 'https://issuer.example/jwks'

async function publicJwk(kid: string, alg = 'ES256'): Promise<JWK> {
  const { publicKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
}

const json = (body: unknown, init: ResponseInit = {}) =>
  new Response(JSON.stringify(body), { headers: { 'content-type': 'application/jwk-set+json' }, ...init })

/** A key set server that counts, and that does whatever a test wants of it. */
function server(keys: readonly JWK[]) {
  const state = { keys: [...keys], requests: 0, answer: undefined as (() => Promise<Response> | Response) | undefined }
  const fetch: typeof globalThis.fetch = async () => {
    state.requests += 1
    return state.answer === undefined ? json({ keys: state.keys }) : state.answer()
  }
  return Object.assign(state, { fetch })
}

const opened: KeyCache[] = []

function cacheOf(set: { readonly fetch: typeof globalThis.fetch }, options: Partial<KeyCacheOptions> = {}): KeyCache {
  const cache = new RemoteKeySet({
    locate: async () => URI,
    algorithms: ['ES256', 'EdDSA', 'RS256'],
    clock: { wall: Date.now, monotonic: () => performance.now() },
    fetch: set.fetch,
    random: () => 1,
    ...options,
  })
  opened.push(cache)
  return cache
}

/** Lets everything happen that happens within this time, key imports off the thread included. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] })
})

afterEach(() => {
  for (const cache of opened.splice(0)) cache.close()
  vi.useRealTimers()
})

async function started(set: { readonly fetch: typeof globalThis.fetch }, options?: Partial<KeyCacheOptions>) {
  const cache = cacheOf(set, options)
  cache.start()
  await cache.ready()
  return cache
}

describe('a remote key set', () => {
  it('is fetched once and then answers from memory', async () => {
    const set = server([await publicJwk('a')])
    const cache = await started(set)
    for (let asked = 0; asked < 1_000; asked += 1) expect(cache.get('a')?.alg).toBe('ES256')
    expect(set.requests).toBe(1)
  })

  it('is fetched within two seconds after its server starts', async () => {
    const set = server([await publicJwk('a')])
    set.answer = () => new Response('', { status: 503 })
    const cache = cacheOf(set)
    cache.start()
    await pass(120_000)
    set.answer = undefined
    await pass(2_100)
    expect(cache.get('a')).toBeDefined()
  })

  it('is fetched again before it is too old, and used meanwhile', async () => {
    const set = server([await publicJwk('a')])
    const cache = await started(set, { refreshAheadMs: 10_000 })
    set.keys = [await publicJwk('b')]
    await pass(9_000)
    expect(set.requests).toBe(1)
    await pass(1_000)
    await vi.waitFor(() => expect(cache.get('b')).toBeDefined())
    expect(set.requests).toBe(2)
    expect(cache.get('a')).toBeUndefined()
  })

  it.each([
    ['is down', () => Promise.reject(new TypeError('fetch failed'))],
    ['answers 500', () => json({}, { status: 500 })],
    ['answers garbage', () => new Response('{"keys":', { headers: { 'content-type': 'application/json' } })],
    ['answers a web page', () => new Response('<p>', { headers: { 'content-type': 'text/html' } })],
    ['answers an empty set', () => json({ keys: [] })],
    ['answers without end', () => json({ keys: [{ padding: 'x'.repeat(300_000) }] })],
    ['never answers', () => new Promise<Response>(() => {})],
  ])('stays trusted up to a bound while the server %s, and not beyond', async (_, answer) => {
    const set = server([await publicJwk('a')])
    const cache = await started(set, { refreshAheadMs: 10_000, maxStaleMs: 60_000, timeoutMs: 1_000 })
    set.answer = answer
    await pass(50_000)
    expect(cache.get('a')).toBeDefined()
    expect(cache.isFresh()).toBe(true)
    expect(cache.health()).toMatchObject({ uri: URI, lastError: expect.stringMatching(/./) })
    await pass(11_000)
    expect(cache.isFresh()).toBe(false)
    set.answer = undefined
    await pass(31_000)
    await vi.waitFor(() => expect(cache.isFresh()).toBe(true))
  })

  it('serves on where the key set of jose fails: an outage that outlasts the age of the set', async () => {
    const set = server([await publicJwk('a')])
    const header = { alg: 'ES256', kid: 'a' }
    const jose = createRemoteJWKSet(new URL(URI), { [customFetch]: set.fetch, cacheMaxAge: 10_000 })
    const cache = await started(set, { refreshAheadMs: 10_000 })
    await jose(header)
    set.answer = () => Promise.reject(new TypeError('fetch failed'))
    await pass(11_000)
    await expect(jose(header)).rejects.toThrow()
    expect(cache.get('a')).toBeDefined()
    expect(cache.isFresh()).toBe(true)
  })

  it('makes no request wait where the key set of jose does: when the set has come of age', async () => {
    const set = server([await publicJwk('a')])
    const header = { alg: 'ES256', kid: 'a' }
    const jose = createRemoteJWKSet(new URL(URI), { [customFetch]: set.fetch, cacheMaxAge: 10_000 })
    await jose(header)
    const cache = await started(set, { refreshAheadMs: 1_000_000 })
    await pass(11_000)
    const before = set.requests
    expect(cache.get('a')).toBeDefined()
    expect(set.requests).toBe(before)
    await jose(header)
    expect(set.requests).toBe(before + 1)
  })

  it('is fetched once for ten thousand unknown kids', async () => {
    const set = server([await publicJwk('a')])
    const cache = await started(set)
    const sought = Array.from({ length: 10_000 }, (_, nth) => cache.seek(`made-up-${nth}`, 1_000))
    await pass(10)
    await Promise.all(sought)
    expect(set.requests).toBe(2)
  })

  it('is fetched a bounded number of times for invented kids, and has a new key within seconds', async () => {
    const set = server([await publicJwk('a')])
    const cache = await started(set)
    let made = 0
    const flood = async (seconds: number) => {
      for (let tick = 0; tick < seconds * 10; tick += 1) {
        for (let each = 0; each < 20; each += 1) void cache.seek(`made-up-${(made += 1)}`, 0)
        await pass(100)
      }
    }
    await flood(60)
    expect(set.requests).toBeLessThanOrEqual(1 + 4 + 60 / 5 + 1)
    set.keys = [...set.keys, await publicJwk('new')]
    void cache.seek('new', 0)
    await flood(6)
    await vi.waitFor(() => expect(cache.get('new')).toBeDefined())
  })

  it('searches less and less often for one unknown kid', async () => {
    const set = server([await publicJwk('a')])
    const cache = await started(set)
    for (let tick = 0; tick < 600; tick += 1) {
      void cache.seek('made-up', 0)
      await pass(100)
    }
    expect(set.requests).toBeLessThanOrEqual(1 + 7)
  })

  it('finds a key soon after it is published, also if it was searched for before', async () => {
    const set = server([await publicJwk('a')])
    const cache = await started(set)
    void cache.seek('new', 0)
    await pass(10)
    await vi.waitFor(() => expect(set.requests).toBe(2))
    set.keys = [...set.keys, await publicJwk('new')]
    await pass(1_100)
    void cache.seek('new', 0)
    await pass(10)
    await vi.waitFor(() => expect(cache.get('new')).toBeDefined())
  })

  it('does not delay a request for an unknown key, unless it is configured to', async () => {
    const set = server([await publicJwk('a')])
    const cache = await started(set)
    set.answer = () => new Promise(() => {})
    expect(await cache.seek('made-up', 0)).toBe(false)
    const waiting = cache.seek('made-up-too', 500)
    await pass(500)
    expect(await waiting).toBe(false)
  })

  it('never trusts a compromised key again, even if the set has it', async () => {
    const set = server([await publicJwk('a'), await publicJwk('b')])
    const cache = await started(set, { refreshAheadMs: 1_000 })
    const kept = cache.get('a')
    cache.ban('a')
    expect([cache.get('a'), kept?.isTrusted]).toEqual([undefined, false])
    await pass(1_000)
    await vi.waitFor(() => expect(set.requests).toBe(2))
    await pass(10)
    expect(cache.get('a')).toBeUndefined()
    expect(cache.get('b')).toBeDefined()
  })

  it('marks a key that left the set, or was replaced, as no longer trusted for all holders', async () => {
    const [a, b] = [await publicJwk('a'), await publicJwk('b')]
    const set = server([a, b, await publicJwk('c')])
    const cache = await started(set, { refreshAheadMs: 1_000 })
    const kept = ['a', 'b', 'c'].map((kid) => cache.get(kid))
    set.keys = [a, await publicJwk('b')]
    await pass(1_000)
    await vi.waitFor(() => expect(kept.map((key) => key?.isTrusted)).toEqual([true, false, false]))
    expect(cache.get('a')).toBe(kept[0])
    expect(cache.get('b')).not.toBe(kept[1])
  })

  it('trusts no key for longer because the machine slept', async () => {
    const set = server([await publicJwk('a')])
    let wall = 0
    const clock = { wall: () => wall, monotonic: () => 0 }
    const cache = await started(set, { refreshAheadMs: 60_000, maxStaleMs: 60_000, clock })
    wall = 61_000
    expect(cache.isFresh()).toBe(false)
  })

  it('leaves no timer behind when it is closed', async () => {
    const cache = await started(server([await publicJwk('a')]))
    void cache.seek('made-up', 0)
    cache.close()
    expect(vi.getTimerCount()).toBe(0)
    expect(cache.get('a')).toBeUndefined()
  })
})
