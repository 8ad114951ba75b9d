import { setTimeout as pause } from 'node:timers/promises'
import { brokerIsAvailable, openBroker } from '@ledgate/revocation/testing'
import { kafkaRevocations } from '@ledgate/verifier/kafka'
import { expect, it, onTestFinished } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { disagreements } from '../src/agreement.ts'
import { aim } from '../src/aim.ts'
import { endingsIn } from '../src/log.ts'
import { metricOf } from '../src/metric.ts'
import { seeded } from '@ledgate/eventstore-eventstoredb/testing'
import { seedOfRun } from '../src/random.ts'
import { anyOfReplicas, ISSUER, newReplicas } from '../src/replicas.ts'
import { type Requests, requestsTo } from '../src/requests.ts'
import { personToken, type RevocableToken, revoke, serviceToken } from '../src/revocable.ts'
import { named, revocationOracle, wrongVerdicts } from '../src/revocation-oracle.ts'
import { ready, spawnServer } from '../src/server.ts'
import { openTape, timesGoneBack, toldIn } from '../src/tape.ts'
import { keepAsking, openVerifier, READY_MS } from '../src/witnesses.ts'

const REPLICAS = 3
/** Stops past the lease: at any moment, and as soon as the first was answered. */
const ROUNDS = rounds({ quick: 6, long: 6, soak: 50 })
/** Rounds after which chance is no excuse any more. */
const MOST_ROUNDS = Math.max(ROUNDS, 12)
/** Revoked at the publisher while it is stopped. */
const AT_ONCE = 12
const WAIT_MS = 10_000

it.skipIf(!brokerIsAvailable())(
  `SIGSTOP past the lease, SIGCONT, with fresh verifiers, ${ROUNDS} rounds: no false acceptance`,
  async () => {
    const broker = await openBroker({ isOwn: true })
    onTestFinished(() => broker.close())
    const replicas = await newReplicas(REPLICAS)
    const environment = { LEDGATE_KAFKA_BROKERS: broker.brokers.join() }
    const servers = replicas.all.map((installation) => ({
      ...requestsTo(installation.url),
      ...spawnServer(installation, { environment }),
      installation,
      isStopped: false,
    }))
    type Replica = (typeof servers)[number]
    await Promise.all(servers.map((server) => ready(server.installation, server)))

    const seed = seedOfRun()
    const random = seeded(seed)
    const oracle = revocationOracle({ seed })
    const middle = aim(random, 60)
    const atStop = { answered: 0, unanswered: 0 }
    const published = { applied: 0, late: 0 }
    const tokens: RevocableToken[] = []
    const wrong: string[] = []
    /** Answered as published when it was not in the topic, or as not published before its time was up. */
    const unkept: string[] = []
    const over = new AbortController()
    onTestFinished(() => over.abort())

    const running = () => servers.filter(({ isStopped }) => !isStopped)
    const someOf = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item
    const fetchKeys = anyOfReplicas(() => running().map(({ installation }) => installation.url))
    const isPublishing = async ({ installation }: Replica) =>
      (await metricOf(installation.url, 'ledgate_kafka_publishing')) === 1

    /** The only one of some that publishes. A zombie that has not noticed yet that it is one says that it publishes, too. */
    async function publisherOf(some: readonly Replica[]): Promise<Replica> {
      for (;;) {
        const publish = await Promise.all(some.map(isPublishing))
        const [publisher, ...others] = some.filter((_, index) => publish[index])
        if (publisher !== undefined && others.length === 0) return publisher
        await pause(50)
      }
    }

    async function issue(requests: Requests): Promise<RevocableToken> {
      const token = await (random() < 0.1 ? personToken(requests) : serviceToken(requests))
      tokens.push(token)
      return token
    }

    /** Issues tokens without pause at whoever runs, and revokes half of them. */
    async function keepRevoking(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        const token = await issue(someOf(running()))
        if (random() < 0.5) await revoke(someOf(running()), token)
        await pause(20)
      }
    }

    /** Revokes there and waits until everybody can know; the only excuse for not saying that they can is the time. */
    async function revokeForAll(server: Requests): Promise<void> {
      const token = await issue(server)
      const began = performance.now()
      const { isPublished } = await revoke(server, token, `wait=${WAIT_MS / 1000}`)
      const isLate = !isPublished && performance.now() - began > 0.9 * WAIT_MS // of another clock
      published[isLate ? 'late' : 'applied'] += 1
      if (!isLate && !(isPublished && toldIn(await tape.upToNow()).has(token.endedId)))
        unkept.push(`round ${oracle.round}, said ${isPublished}: ${JSON.stringify(named(token))}`)
    }

    /** A verifier that knows nothing but the topic, asked from now on until it is dismissed. */
    function freshWitness(when: string) {
      const revocations = kafkaRevocations({ brokers: broker.brokers })
      const verifier = openVerifier({ issuer: ISSUER, revocations, fetch: fetchKeys })
      const witness = keepAsking(oracle.witness(when, verifier), { tokens, random })
      return { ...witness, started: verifier.start({ timeoutMs: READY_MS }) }
    }

    await publisherOf(servers)
    const always = freshWitness('there from the beginning')
    await always.started
    const tape = await openTape(broker.brokers)

    const wasMet = () => atStop.answered > 0 && atStop.unanswered > 0
    for (let round = 0; round < ROUNDS || (round < MOST_ROUNDS && !wasMet()); round += 1) {
      oracle.round = round
      const zombie = await publisherOf(servers)
      const begun = tokens.length
      const before = freshWitness('from before the stop')
      await before.started

      const doomed = await Promise.all(Array.from({ length: AT_ONCE }, () => issue(zombie)))
      const pending = doomed.map((token) => revoke(zombie, token))
      // Every other time at any moment, else as soon as the first was answered.
      const isByTime = round % 2 === 0
      await (isByTime ? pause(middle.afterMs()) : Promise.any(pending))
      zombie.process.kill('SIGSTOP')
      zombie.isStopped = true
      const answered = doomed.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined).length
      atStop.answered += answered
      atStop.unanswered += AT_ONCE - answered
      if (isByTime) middle.wasEarly(answered < AT_ONCE / 2)

      const calm = new AbortController()
      const revoking = keepRevoking(AbortSignal.any([calm.signal, over.signal]))
      const during = freshWitness('from while nobody published')
      await Promise.all(running().map(revokeForAll))
      const successor = await publisherOf(running())
      const after = freshWitness('from after the takeover')
      await Promise.all([during.started, after.started])
      await Promise.all(running().map(revokeForAll))
      await pause(random() * 1_000)

      zombie.process.kill('SIGCONT')
      zombie.isStopped = false
      const beside = freshWitness('from beside the zombie')
      await beside.started
      await Promise.all(pending)
      await revokeForAll(someOf(servers.filter((server) => server !== successor)))
      calm.abort()
      await revoking

      const moment = performance.now()
      for (const witness of [before, during, after, beside, always]) {
        await witness.knowsAllBefore(moment)
        wrong.push(...(await wrongVerdicts(witness, tokens.slice(begun))))
      }
      for (const witness of [before, during, after, beside]) await witness.dismiss()
    }
    await always.dismiss()

    const [endings, topic] = [endingsIn(await replicas.events()), await tape.upToNow()]
    expect({
      broken: oracle.broken,
      wrong,
      unkept,
      disagreements: disagreements(endings, topic),
    }).toEqual({ broken: [], wrong: [], unkept: [], disagreements: [] })
    console.log(
      `seed ${seed}`,
      { atStop, published, verdicts: oracle.verdicts },
      `${endings.length} endings, ${topic.length} messages, ${timesGoneBack(topic)} heartbeats of zombies`,
    )
    // The control: the stops came in the middle of revocations, and who waited for everybody was mostly answered in time.
    expect(atStop.answered).toBeGreaterThan(0)
    expect(atStop.unanswered).toBeGreaterThan(0)
    expect(published.applied).toBeGreaterThan(published.late)
  },
  3_600_000,
)
