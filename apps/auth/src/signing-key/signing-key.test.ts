import { inMemoryEventStore, type EventStore } from '@ledgate/eventsourcing'
import { inMemorySealer, inMemoryVault } from '@ledgate/vault/testing'
import fc from 'fast-check'
import Fastify from 'fastify'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { type CommandContext, openEventLog } from '../log/index.ts'
import { jwksRoutes } from './routes.ts'
import { openDerivationKeys } from './derivation-keys.ts'
import { openSigningKeys } from './signing-keys.ts'
import { TooEarly } from './keyring.decider.ts'
import { catalogue } from '../catalogue/index.ts'

const MAX_AGE = 300
const KEEP_FOR = 3660
let commands = 0
const context = (): CommandContext => {
  commands += 1
  const id = `command-${commands}`
  return { commandId: id, correlationId: id, causationId: id, actor: { type: 'system', id: 'test' } }
}

function world(store: EventStore = inMemoryEventStore()) {
  const time = { now: 1_000_000 }
  const vault = inMemoryVault()
  const clock = { now: () => time.now, nowMs: () => time.now * 1000 }
  const options = {
    log: openEventLog({ store, sealer: inMemorySealer(vault), catalogue }),
    vault,
    clock,
    keepFor: KEEP_FOR,
    context,
  }
  return { time, vault, store, options, open: () => openSigningKeys({ ...options, maxAge: MAX_AGE }) }
}

const sign = async (keys: Awaited<ReturnType<typeof openSigningKeys>>) => {
  const signer = (await keys.read()).signer
  return { kid: signer.kid, jwt: await signer.sign({ typ: 'at+jwt' }, { sub: 'u_1' }) }
}
const verify = (jwt: string, jwks: { keys: readonly unknown[] }) =>
  jwtVerify(jwt, createLocalJWKSet(jwks as JSONWebKeySet))

describe('the signing keys', () => {
  it.each(['ES256', 'EdDSA', 'RS256'] as const)('sign tokens that verify with the key set: %s', async (alg) => {
    const keys = await openSigningKeys({ ...world().options, maxAge: MAX_AGE, alg })
    const { protectedHeader, payload } = await verify((await sign(keys)).jwt, (await keys.read()).jwks)
    expect(protectedHeader).toMatchObject({ alg, typ: 'at+jwt', kid: (await sign(keys)).kid })
    expect(payload).toEqual({ sub: 'u_1' })
  })

  it('publish one active and one standby key at the first start, and the same ones at the next', async () => {
    const { open } = world()
    const [first, second] = [await open(), await open()]
    expect((await first.read()).keys.map(({ status }) => status)).toEqual(['active', 'standby'])
    expect((await second.read()).jwks).toEqual((await first.read()).jwks)
    expect((await sign(second)).kid).toBe((await sign(first)).kid)
  })

  it('never publish a private part', async () => {
    const app = Fastify()
    await app.register(jwksRoutes, { signingKeys: await world().open() })
    const answer = await app.inject('/oauth2/jwks')
    expect(answer.headers['cache-control']).toBe(`public, max-age=${MAX_AGE}`)
    expect(Object.keys(answer.json().keys[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  })

  it('activate one key however many processes start at once, and leave no orphan in the vault', async () => {
    for (let round = 0; round < 20; round += 1) {
      const here = world()
      const names = new Set<string>()
      const vault = {
        ...here.vault,
        putIfAbsent: (name: string, bytes: Uint8Array) => (names.add(name), here.vault.putIfAbsent(name, bytes)),
        destroy: (name: string) => (names.delete(name), here.vault.destroy(name)),
      }
      const all = await Promise.all(
        Array.from({ length: 4 }, () => openSigningKeys({ ...here.options, vault, maxAge: MAX_AGE })),
      )
      expect(new Set((await Promise.all(all.map(sign))).map(({ kid }) => kid)).size).toBe(1)
      expect((await all[0]?.read())?.keys.filter(({ status }) => status === 'active')).toHaveLength(1)
      expect(names.size).toBe(2)
    }
  })

  it('refuse to sign with a key that was published for too short a time', async () => {
    const { open, time } = world()
    const keys = await open()
    time.now += MAX_AGE - 1
    await expect(keys.rotate(context())).rejects.toThrow(TooEarly)
    time.now += 1
    const before = (await sign(keys)).kid
    await keys.rotate(context())
    expect((await sign(keys)).kid).not.toBe(before)
  })

  it('go on checking the tokens of a superseded key until the last has expired, then destroy it', async () => {
    const { open, time, vault } = world()
    const keys = await open()
    time.now += MAX_AGE
    const old = await sign(keys)
    await keys.rotate(context())
    time.now += KEEP_FOR - 1
    await keys.maintain(Infinity)
    await expect(verify(old.jwt, (await keys.read()).jwks)).resolves.toBeDefined()
    time.now += 1
    await keys.maintain(Infinity)
    await expect(verify(old.jwt, (await keys.read()).jwks)).rejects.toThrow()
    expect(await vault.get(`keyring/signing/${old.kid}`)).toBeUndefined()
  })

  it('sign with the new key at once when another process rotated', async () => {
    const { open, time } = world()
    const [here, elsewhere] = [await open(), await open()]
    time.now += MAX_AGE
    await here.rotate(context())
    expect((await elsewhere.read()).signer.kid).toBe((await here.read()).signer.kid)
  })

  it('have one active key, sign only with what was published, and publish whatever may still be needed, whatever happens', async () => {
    const step = fc.oneof(
      fc.record({ wait: fc.integer({ min: 0, max: 5000 }) }),
      fc.constant('rotate' as const),
      fc.constant('maintain' as const),
      fc.constant('restart' as const),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { open, time } = world()
        let keys = await open()
        const first = (await sign(keys)).kid
        const publishedAt = new Map<string, number>()
        const signed: { jwt: string; at: number }[] = []
        for (const each of steps) {
          for (const { kid } of (await keys.read()).keys) if (!publishedAt.has(kid)) publishedAt.set(kid, time.now)
          if (each === 'rotate') await keys.rotate(context()).catch((error) => expect(error).toBeInstanceOf(TooEarly))
          else if (each === 'maintain') await keys.maintain(4000)
          else if (each === 'restart') keys = await open()
          else time.now += each.wait
          const { jwt, kid } = await sign(keys)
          signed.push({ jwt, at: time.now })
          expect((await keys.read()).keys.filter(({ status }) => status === 'active')).toHaveLength(1)
          if (kid !== first) expect(time.now - (publishedAt.get(kid) ?? time.now)).toBeGreaterThanOrEqual(MAX_AGE)
          for (const token of signed.filter(({ at }) => time.now - at < KEEP_FOR))
            await verify(token.jwt, (await keys.read()).jwks)
        }
      }),
      { numRuns: rounds({ quick: 12, long: 200 }) },
    )
  })
})

describe('the derivation keys', () => {
  it('make the same secret again, also after a rotation and in another process', async () => {
    const { options } = world()
    const keys = await openDerivationKeys(options)
    const { current } = await keys.read()
    const secret = (await keys.read()).derive(current, 'refresh', ['g1', '0'])
    await keys.rotate(context())
    expect((await keys.read()).current).not.toBe(current)
    expect((await keys.read()).derive(current, 'refresh', ['g1', '0'])).toEqual(secret)
    expect((await (await openDerivationKeys(options)).read()).derive(current, 'refresh', ['g1', '0'])).toEqual(secret)
  })

  it('make another secret for another key, purpose or list of parts', async () => {
    const keys = await openDerivationKeys(world().options)
    const { current } = await keys.read()
    await keys.rotate(context())
    const secrets = [
      (await keys.read()).derive(current, 'refresh', ['a', 'bc']),
      (await keys.read()).derive(current, 'refresh', ['ab', 'c']),
      (await keys.read()).derive(current, 'refresh', ['abc']),
      (await keys.read()).derive(current, 'link', ['a', 'bc']),
      (await keys.read()).derive((await keys.read()).current, 'refresh', ['a', 'bc']),
    ]
    expect(new Set(secrets.map((secret) => secret?.toString('hex'))).size).toBe(5)
    expect((await keys.read()).derive('0000000000000000', 'refresh', ['a'])).toBeUndefined()
  })
})

describe('another algorithm', () => {
  it('takes over once its key was published for long enough, and what was signed before is still checked', async () => {
    const { open, options, time } = world()
    const before = await sign(await open())
    const keys = await openSigningKeys({ ...options, maxAge: MAX_AGE, alg: 'EdDSA' })
    await keys.maintain(30 * 86_400)
    expect((await keys.read()).algs).toEqual(['ES256', 'EdDSA'])
    expect((await verify((await sign(keys)).jwt, (await keys.read()).jwks)).protectedHeader.alg).toBe('ES256')
    time.now += MAX_AGE
    await keys.maintain(30 * 86_400)
    const after = await sign(keys)
    expect((await verify(after.jwt, (await keys.read()).jwks)).protectedHeader.alg).toBe('EdDSA')
    expect((await verify(before.jwt, (await keys.read()).jwks)).protectedHeader.alg).toBe('ES256')
    time.now += KEEP_FOR
    await keys.maintain(30 * 86_400)
    expect((await keys.read()).algs).toEqual(['EdDSA'])
    const { length } = (await keys.read()).keys
    await keys.maintain(30 * 86_400)
    expect((await keys.read()).keys).toHaveLength(length)
  })
})

describe('a compromised key', () => {
  it('is gone at once with its secret, and the standby key signs, published for long or not', async () => {
    const { open, vault } = world()
    const keys = await open()
    const bad = await sign(keys)
    await keys.compromise(bad.kid, context())
    expect((await keys.read()).publicKey(bad.kid)).toBeUndefined()
    await expect(verify(bad.jwt, (await keys.read()).jwks)).rejects.toThrow()
    expect(await vault.get(`keyring/signing/${bad.kid}`)).toBeUndefined()
    const good = await sign(keys)
    expect(good.kid).not.toBe(bad.kid)
    await verify(good.jwt, (await keys.read()).jwks)
    expect((await keys.read()).jwks.keys).toHaveLength(2)
    await keys.compromise(bad.kid, context()) // again: nothing more to do
    expect((await sign(keys)).kid).toBe(good.kid)
    await expect(keys.compromise('nothing', context())).rejects.toThrow('unknown key')
  })

  it('may be the one that stands by, or one that was replaced: others go on', async () => {
    const { open, time } = world()
    const keys = await open()
    const active = (await keys.read()).signer.kid
    const standby = (await keys.read()).keys.find(({ status }) => status === 'standby')?.kid ?? ''
    await keys.compromise(standby, context())
    expect((await keys.read()).signer.kid).toBe(active)
    time.now += MAX_AGE
    await keys.rotate(context())
    const next = (await keys.read()).signer.kid
    await keys.compromise(active, context())
    expect((await keys.read()).signer.kid).toBe(next)
    expect((await keys.read()).publicKey(active)).toBeUndefined()
  })
})
