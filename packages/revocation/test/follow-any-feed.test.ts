import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Ended, type FindKey } from '../src/statement/index.ts'
import { followRevocations, type RevocationFollower } from '../src/follower/index.ts'
import { type RevocationIndex, revocationIndex, type TokenFacts } from '../src/revocation-index/index.ts'
import { type RevocationSource } from '../src/feed/index.ts'
import { rounds } from '../../../rounds.ts'
import { type FakeSource, testFeed, testSigner } from '../src/testing/index.ts'
import { anyEnded, ISSUER } from './arbitrary.ts'
import { isDead } from './naive-index.ts'

const name = fc.constantFrom('a', 'b', 'c')
const until = fc.integer({ min: 3_900_000_000, max: 4_000_000_000 })
const anyToken: fc.Arbitrary<TokenFacts> = fc.record({
  jti: name,
  client_id: name,
  sub: name,
  kid: name,
  sid: name,
  gid: name,
  isOffline: fc.boolean(),
  issuer_epoch: fc.nat({ max: 4 }),
  client_epoch: fc.nat({ max: 4 }),
  user_epoch: fc.nat({ max: 4 }),
})

type Step =
  | { readonly end: Ended }
  | { readonly act: 'hang' | 'break' | 'end' | 'mend' | 'forge'; readonly which: 0 | 1 }
  | { readonly act: 'heartbeat' | 'restart' | 'wait' }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ end: anyEnded(name, until) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constantFrom('hang' as const, 'break' as const, 'end' as const, 'mend' as const, 'forge' as const),
      which: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constantFrom('heartbeat' as const, 'restart' as const, 'wait' as const) }),
  },
)

const how = fc.record({
  begins: fc.constantFrom('beginning' as const, 'snapshot' as const),
  batch: fc.integer({ min: 1, max: 5 }),
  repeats: fc.nat({ max: 3 }),
})

const signer = await testSigner()
const forger = await testSigner()

type Sources = readonly [RevocationSource, RevocationSource]

function follow(sources: Sources, index: RevocationIndex, keyFor: FindKey): RevocationFollower {
  return followRevocations({
    sources,
    issuer: ISSUER,
    keyFor,
    index,
    silenceMs: 60,
    failoverAfterMs: 40,
    backoffMs: { first: 1, longest: 3 },
  })
}

async function act(step: Step, feed: Awaited<ReturnType<typeof testFeed>>, sources: readonly FakeSource[]) {
  if ('end' in step) await feed.end(step.end)
  else if ('which' in step) {
    const source = sources[step.which]
    if (step.act === 'forge')
      source?.push(await forger.sign({ typ: 'secevent+jwt' }, { iss: ISSUER, iat: 1, jti: 'x', events: { a: {} } }))
    else source?.[step.act]()
  } else if (step.act === 'heartbeat') await feed.heartbeat()
  else await sleep(3)
}

/** Whether everything holds for any feed, followed with this look-up of keys. */
function holdsForAnyFeed(numRuns: number, keyFor: () => FindKey, isLinked = true) {
  const script = fc.record({
    steps: fc.array(anyStep, { maxLength: 25 }),
    hows: fc.tuple(how, how),
    tokens: fc.array(anyToken, { minLength: 5, maxLength: 20 }),
  })
  return fc.check(
    fc.asyncProperty(script, async ({ steps, hows, tokens }) => {
      const feed = await testFeed({ signer, chunk: 2, isLinked: () => isLinked })
      const sources = [feed.source({ name: 'one', ...hows[0] }), feed.source({ name: 'two', ...hows[1] })] as const
      const said: { readonly ended: Ended; readonly position: string }[] = []
      let index = revocationIndex()
      let follower = follow(sources, index, keyFor())

      /** Up to where it says that everything is known, everything must be. */
      function expectNothingMissed(): void {
        const { through } = follower.health()
        if (through === undefined) return
        const told = said.filter(({ position }) => position <= through).map(({ ended }) => ended)
        for (const token of tokens) if (isDead(told, token)) expect(index.endedBy(token)).toBeDefined()
      }

      for (const step of steps) {
        await act(step, feed, sources)
        if ('end' in step) said.push({ ended: step.end, position: feed.position })
        if ('act' in step && step.act === 'restart') {
          await follower.close()
          index = revocationIndex()
          follower = follow(sources, index, keyFor())
        }
        expectNothingMissed()
      }

      for (const source of sources) source.mend()
      const stop = feed.beat(5)
      while (!(follower.health().isReady && follower.health().through === feed.position)) {
        await sleep(2)
        expectNothingMissed()
      }
      stop()
      for (const token of tokens) expect(index.endedBy(token) !== undefined).toBe(isDead(feed.all, token))
      await follower.close()
    }),
    { numRuns, endOnFailure: true },
  )
}

it('any feed gives the results of a fresh read, despite repetitions, forgeries, hangs, failover and restarts', async () => {
  const { failed, counterexample, errorInstance } = await holdsForAnyFeed(
    rounds({ quick: 25, long: 400 }),
    () => signer.keyFor,
  )
  expect({ failed, counterexample, errorInstance }).toMatchObject({ failed: false })
})

it('control: a follower that skips every fourth notice is detected', async () => {
  const { failed } = await holdsForAnyFeed(
    1_000,
    () => {
      let asked = 0
      return async (kid) => ((asked += 1) % 4 === 2 ? undefined : signer.keyFor(kid))
      // Otherwise it finds out by itself, by the heartbeat behind.
    },
    false,
  )
  expect(failed).toBe(true)
})
