import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { dpop, memoryReplayStore, nonceIssuer, type ReplayStore } from '../../src/dpop/index.ts'
import type { VerifierError } from '../../src/error/verifier-error.ts'
import { NOW, prover, REQUEST } from './proving.ts'

const client = await prover()
const now = () => NOW * 1000

/** How many of so many uses at once of one proof are let through. */
async function letThrough(replays: ReplayStore, uses: number): Promise<number> {
  const checker = dpop({ replays, now })
  const proof = await client.prove()
  const outcomes = await Promise.allSettled(
    Array.from({ length: uses }, () => checker.check({ ...REQUEST, jkt: client.jkt, proof })),
  )
  return outcomes.filter(({ status }) => status === 'fulfilled').length
}

describe('a proof', () => {
  it('is good for one of fifty requests at once', async () => {
    expect(await letThrough(memoryReplayStore({ now }), 50)).toBe(1)
  })

  it('is good for one, too, where the store is asked over a network', async () => {
    const store = memoryReplayStore({ now })
    const slow: ReplayStore = {
      async add(...proof) {
        await new Promise((resolve) => setImmediate(resolve))
        return store.add(...proof)
      },
    }
    expect(await letThrough(slow, 50)).toBe(1)
  })

  it('control: is good for all of them where nothing is remembered', async () => {
    expect(await letThrough({ add: () => true }, 50)).toBe(50)
  })

  it('control: is good for several where looking and remembering are two steps', async () => {
    const seen = new Set<string>()
    const twoSteps: ReplayStore = {
      async add(proof) {
        const isNew = !seen.has(proof)
        await new Promise((resolve) => setImmediate(resolve))
        seen.add(proof)
        return isNew
      },
    }
    expect(await letThrough(twoSteps, 50)).toBeGreaterThan(1)
  })

  it('is answered with 503 while the store does not answer', async () => {
    const broken: ReplayStore = { add: () => Promise.reject(new Error('gone')) }
    const proof = await client.prove()
    const check = dpop({ replays: broken, now }).check({ ...REQUEST, jkt: client.jkt, proof })
    await expect(check).rejects.toMatchObject({ status: 503, headers: { 'Retry-After': '1' } })
  })

  it('is not remembered when it was refused for something else', async () => {
    const checker = dpop({ now })
    const proof = await client.prove()
    const request = { ...REQUEST, jkt: client.jkt, proof }
    await expect(checker.check({ ...request, accessToken: 'another' })).rejects.toMatchObject({ status: 401 })
    await expect(checker.check(request)).resolves.toBeUndefined()
  })
})

describe('the replay store of a process', () => {
  const WINDOW = 10
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 4 }),
    proof: fc.integer({ min: 0, max: 8 }).map(String),
    lasts: fc.integer({ min: 0, max: WINDOW }),
  })

  it('never takes a proof twice while it could be used, however small it is', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 5 }), (steps, maxProofs) => {
        let second = 0
        const store = memoryReplayStore({ maxProofs, now: () => second * 1000 })
        const taken = new Set<string>()
        for (const { wait, proof, lasts } of steps) {
          second += wait
          // That a proof always expires at the same time is signed.
          const expiresAt = second + ((((Number(proof) - second) % WINDOW) + WINDOW) % WINDOW)
          const key = `${proof} until ${expiresAt}, ${lasts % 2}`
          if (!store.add(key, expiresAt)) continue
          expect(taken).not.toContain(key)
          taken.add(key)
        }
      }),
    )
  })

  it('takes every new proof while it has room', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let second = 0
        const store = memoryReplayStore({ now: () => second * 1000 })
        steps.forEach(({ wait, lasts }, index) => {
          second += wait
          expect(store.add(`proof ${index}`, second + lasts)).toBe(true)
        })
      }),
    )
  })

  it('takes proofs that are made later when it was full, and none that it had to forget', () => {
    const store = memoryReplayStore({ maxProofs: 3, now: () => 0 })
    for (const proof of ['a', 'b', 'c']) expect(store.add(proof, 10)).toBe(true)
    expect(store.add('d', 10)).toBe(false)
    expect(store.add('e', 11)).toBe(true)
    expect(store.add('a', 10)).toBe(false)
  })

  it('gives each key a share: who fills it makes its own proofs short-lived, and those of no other', () => {
    const store = memoryReplayStore({ maxProofs: 100, now: () => 0 })
    for (let nth = 0; nth < 1_000; nth += 1) store.add(`flood ${nth}`, 10, 'flood')
    expect(store.add('flood again', 10, 'flood')).toBe(false)
    expect([store.forgot?.(10, 'flood'), store.forgot?.(11, 'flood')]).toEqual([true, false])
    expect(store.add('flood later', 11, 'flood')).toBe(true)
    expect([store.add('honest', 10, 'honest'), store.add('honest', 10, 'honest')]).toEqual([true, false])
    expect(store.forgot?.(10, 'honest')).toBe(false)
  })

  it('never takes a proof twice, however many keys there are and however small it is, and remembers of no more', () => {
    const use = fc.record({
      wait: fc.nat({ max: 2 }),
      jkt: fc.nat({ max: 12 }).map(String),
      proof: fc.nat({ max: 6 }),
      lasts: fc.nat({ max: 5 }),
    })
    fc.assert(
      fc.property(fc.array(use, { maxLength: 300 }), fc.integer({ min: 1, max: 12 }), (uses, maxProofs) => {
        let second = 0
        const store = memoryReplayStore({ maxProofs, now: () => second * 1000 })
        const taken = new Set<string>()
        for (const { wait, jkt, proof, lasts } of uses) {
          second += wait
          for (const expiresAt of [second + lasts, second + (proof % 4)]) {
            const key = `${jkt} ${proof} until ${expiresAt}`
            if (!store.add(key, expiresAt, jkt)) continue
            expect(taken).not.toContain(key)
            taken.add(key)
          }
        }
      }),
      { numRuns: rounds({ quick: 200, long: 5_000 }) },
    )
  })
})

describe('with nonces, a memory that is full', () => {
  it('is answered with a nonce by which its client goes on; what was used stays used, and others notice nothing', async () => {
    let second = NOW
    const clock = () => second * 1000
    const nonces = nonceIssuer({ now: clock })
    const checker = dpop({ nonces, replays: memoryReplayStore({ maxProofs: 30, now: clock }), now: clock })
    const [busy, other] = [client, await prover()]
    const use = async (who: typeof client, proof: string) =>
      checker.check({ ...REQUEST, jkt: who.jkt, proof }).then(
        () => 'good' as const,
        (error: VerifierError) => error,
      )
    const nonce = nonces.current()
    const used: string[] = []
    for (let nth = 0; nth < 3; nth += 1) used.push(await busy.prove({ nonce }))
    for (const proof of used) expect(await use(busy, proof)).toBe('good')

    const refused = await use(busy, await busy.prove({ nonce }))
    expect(refused).toMatchObject({ code: 'use_dpop_nonce' })
    const fresh = refused === 'good' ? '' : String(refused.headers['DPoP-Nonce'])
    expect(fresh).not.toBe(nonce)
    second += 1
    const next = await busy.prove({ nonce: fresh })
    expect(await use(busy, next)).toBe('good')
    expect(await use(busy, next)).toMatchObject({ code: 'invalid_dpop_proof' })
    for (const proof of used) expect(await use(busy, proof)).not.toBe('good')

    expect(await use(other, await other.prove({ nonce }))).toBe('good')
    second += 500
    expect(await use(busy, await busy.prove({ nonce: fresh }))).toMatchObject({ code: 'use_dpop_nonce' })
    expect(await use(busy, await busy.prove({ nonce: `${fresh.slice(0, -1)}_` }))).toMatchObject({
      code: 'use_dpop_nonce',
    })
  })
})
