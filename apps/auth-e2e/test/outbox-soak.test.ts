import { setTimeout as pause } from 'node:timers/promises'
import { type Broker, brokerIsAvailable, openBroker } from '@ledgate/revocation/testing'
import type { Revocations } from '@ledgate/verifier'
import { kafkaRevocations } from '@ledgate/verifier/kafka'
import { expect, it, onTestFinished } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { disagreements, outOfOrder } from '../src/agreement.ts'
import { aim } from '../src/aim.ts'
import { endingsIn, eventsOf } from '../src/log.ts'
import { lossy } from '../src/lossy.ts'
import { seeded } from '@ledgate/eventstore-eventstoredb/testing'
import { seedOfRun } from '../src/random.ts'
import type { Requests } from '../src/requests.ts'
import { personToken, type RevocableToken, revoke, type Revoked, serviceToken } from '../src/revocable.ts'
import { named, revocationOracle, type Witness, wrongVerdicts } from '../src/revocation-oracle.ts'
import { type Installation, newInstallation, startServer } from '../src/server.ts'
import { openTape, type Tape, toldIn, type Written } from '../src/tape.ts'
import { type AskedWitness, keepAsking, openVerifier, READY_MS } from '../src/witnesses.ts'

/** Milliseconds in which a verifier that does not become ready has met everything that is in the topic. */
const GIVEN_UP_MS = 10_000
/** Kills. */
const ROUNDS = rounds({ quick: 14, long: 14, soak: 200 })
/** Each kind of moment is met so often, if it takes many more rounds. */
const MET = rounds({ quick: 3, long: 3 })
const MOST_ROUNDS = Math.max(2 * ROUNDS, 40)
/** Of them one in four is kept. */
const TOKENS = 12
/** Tokens of the last rounds, about which every new verifier is asked. */
const LOOKED_AT = 5 * TOKENS

/** An installation that publishes to a broker of its own. */
async function installed(): Promise<{ broker: Broker; installation: Installation }> {
  const broker = await openBroker({ isOwn: true })
  onTestFinished(() => broker.close())
  const { environment, ...installation } = await newInstallation()
  return {
    broker,
    installation: {
      ...installation,
      environment: { ...environment, LEDGATE_KAFKA_BROKERS: broker.brokers.join() },
    },
  }
}

const issueSome = (requests: Requests): Promise<readonly RevocableToken[]> =>
  Promise.all([personToken(requests), ...Array.from({ length: TOKENS - 1 }, () => serviceToken(requests))])

/** Notices behind an offset that stand before it, too: sent again, since it was not known that they had been sent. */
function repeatedAfter(offset: bigint, topic: readonly Written[]): readonly Written[] {
  const before = new Set(topic.filter((each) => each.offset <= offset).map(({ id }) => id))
  return topic.filter((each) => each.kind === 'notice' && each.offset > offset && before.has(each.id))
}

/** Whether it was what the last round revoked, and not everything that matters, which a topic may be filled with anew. */
const isSentTwice = (repeated: readonly Written[], tokens: readonly RevocableToken[]): boolean => {
  const isOfLastRound = ({ endedId }: Written) => tokens.slice(-TOKENS).some((token) => token.endedId === endedId)
  return repeated.length > 0 && repeated.every(isOfLastRound)
}

/** What became of revocations whose server was killed, as the topic shows it before the server is started again. */
function outcomeOf(doomed: readonly RevocableToken[], answers: readonly Revoked[], topic: readonly Written[]) {
  const told = toldIn(topic)
  const all = answers.flatMap((answer, index) => {
    const token = doomed[index]
    return token === undefined ? [] : [{ ...answer, token, isTold: told.has(token.endedId) }]
  })
  return {
    unanswered: all.filter(({ isAcknowledged }) => !isAcknowledged).length,
    notYetInTopic: all.filter(({ isAcknowledged, isTold }) => isAcknowledged && !isTold).length,
    /** Answered with `Preference-Applied`, and not in the topic. */
    unkept: all.filter(({ isPublished, isTold }) => isPublished && !isTold).map(({ token }) => named(token)),
  }
}

it.skipIf(!brokerIsAvailable())(
  `kill -9 between append, send and checkpoint, ${ROUNDS} rounds: log and topic agree, no false acceptance`,
  async () => {
    const { broker, installation } = await installed()
    const seed = seedOfRun()
    const random = seeded(seed)
    const oracle = revocationOracle({ seed })
    const aims = { answer: aim(random, 100), topic: aim(random, 20) }
    const moments = { unanswered: 0, notYetInTopic: 0, sentTwice: 0 }
    const tokens: RevocableToken[] = []
    const wrong: string[] = []
    const unkept: unknown[] = []
    let tape: Tape | undefined
    let end = -1n
    let last: AskedWitness | undefined

    /** A verifier that knows nothing but the topic, asked until the next one is ready. */
    async function freshWitness(started: number): Promise<Witness> {
      const revocations = kafkaRevocations({ brokers: broker.brokers })
      const verifier = openVerifier({ issuer: installation.url, revocations })
      const witness = oracle.witness(`fresh in round ${oracle.round}`, verifier)
      await verifier.start({ timeoutMs: READY_MS })
      await last?.dismiss()
      last = keepAsking(witness, { tokens, random })
      await witness.knowsAllBefore(started)
      return witness
    }

    const wasMet = () => Object.values(moments).every((count) => count >= MET)
    for (let round = 0; round < ROUNDS || (round < MOST_ROUNDS && !wasMet()); round += 1) {
      oracle.round = round
      const server = await startServer(installation)
      const started = performance.now()
      const witness = await freshWitness(started)
      tape ??= await openTape(broker.brokers)
      wrong.push(...(await wrongVerdicts(witness, tokens.slice(-LOOKED_AT))))
      if (isSentTwice(repeatedAfter(end, await tape.upToNow()), tokens)) moments.sentTwice += 1

      const some = await issueSome(server)
      tokens.push(...some)
      const doomed = some.filter((_, index) => index % 4 !== 3)
      const revoking = doomed.map((token, index) => revoke(server, token, index % 3 === 2 ? 'wait=10' : undefined))
      const isAimedAtAnswer = round % 2 === 0
      if (isAimedAtAnswer) await pause(aims.answer.afterMs())
      else {
        await Promise.any(revoking)
        await pause(aims.topic.afterMs())
      }
      await server.kill()

      const answers = await Promise.all(revoking)
      const topic = await tape.upToNow()
      end = topic.at(-1)?.offset ?? end
      const outcome = outcomeOf(doomed, answers, topic)
      if (outcome.unanswered > 0) moments.unanswered += 1
      if (outcome.notYetInTopic > 0) moments.notYetInTopic += 1
      unkept.push(...outcome.unkept.map((token) => ({ round, ...token })))
      const answered = doomed.length - outcome.unanswered
      if (isAimedAtAnswer) aims.answer.wasEarly(answered < doomed.length / 2)
      else aims.topic.wasEarly(outcome.notYetInTopic > answered / 2)
    }

    oracle.round += 1
    const server = await startServer(installation)
    wrong.push(...(await wrongVerdicts(await freshWitness(performance.now()), tokens)))
    await last?.dismiss()
    await server.stop()
    const [endings, topic] = [endingsIn(await eventsOf(installation)), (await tape?.upToNow()) ?? []]
    expect({
      broken: oracle.broken,
      wrong,
      unkept,
      disagreements: disagreements(endings, topic),
      outOfOrder: outOfOrder(endings, topic),
    }).toEqual({ broken: [], wrong: [], unkept: [], disagreements: [], outOfOrder: [] })
    // The control: the kills came at each of the moments, and verifiers were asked.
    console.log(`seed ${seed}`, moments, oracle.verdicts, `${endings.length} endings, ${topic.length} messages`)
    for (const count of Object.values(moments)) expect(count).toBeGreaterThanOrEqual(MET)
    expect(oracle.verdicts.accepted).toBeGreaterThan(0)
    expect(oracle.verdicts.token_revoked).toBeGreaterThan(0)
  },
  3_600_000,
)

it.skipIf(!brokerIsAvailable())(
  'a feed that loses one notice, and not the heartbeats, makes no verifier ready; one that missed it would be found out: the control',
  async () => {
    const { broker, installation } = await installed()
    const server = await startServer(installation)
    const oracle = revocationOracle({ seed: 0 })
    const [lost, told] = [await serviceToken(server), await serviceToken(server)]
    for (const token of [lost, told]) expect((await revoke(server, token, 'wait=30')).isPublished).toBe(true)
    const whole = kafkaRevocations({ brokers: broker.brokers })
    const open = (revocations: Revocations | false) => openVerifier({ issuer: installation.url, revocations })
    const exact = oracle.witness('exact', open(whole))
    await exact.verifier.start({ timeoutMs: READY_MS })
    await exact.knowsAllBefore(performance.now())
    for (const token of [lost, told]) expect(await exact.verdictOn(token)).toBe('token_revoked')
    expect(oracle.broken).toEqual([])

    const deaf = oracle.witness('deaf', open(lossy(whole, [lost.endedId])))
    await expect(deaf.verifier.start({ timeoutMs: GIVEN_UP_MS })).rejects.toThrow()
    expect(await deaf.ask(lost)).not.toBe('accepted')
    expect(oracle.broken).toEqual([])

    const hearsOfNone = open(false)
    await hearsOfNone.start({ timeoutMs: READY_MS })
    const forgetful = oracle.witness('forgetful', {
      ...exact.verifier,
      verify: (text) => (text === lost.text ? hearsOfNone : exact.verifier).verify(text),
    })
    await forgetful.knowsAllBefore(performance.now())
    for (const token of [lost, told]) await forgetful.verdictOn(token)
    expect(oracle.broken).toMatchObject([
      { promised: 'what was revoked before the time that was vouched for is not accepted', token: lost.endedId },
    ])
    expect(await wrongVerdicts(forgetful, [lost, told])).toHaveLength(1)
    await server.stop()
  },
)
