import { setTimeout as pause } from 'node:timers/promises'
import {
  type Ended,
  type FeedStatement,
  type LogPosition,
  openStatements,
  revocationIndex,
  type RevocationSource,
  type TokenFacts,
} from '@ledgate/revocation'
import { httpRevocations } from '@ledgate/revocation/http'
import { ensureTopic, kafkaRevocations } from '@ledgate/revocation/kafka'
import { type Broker, brokerIsAvailable, openBroker } from '@ledgate/revocation/testing'
import { type CryptoKey, importJWK, type JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NOTICES_KEPT } from '../../src/revocation-feed/index.ts'
import { BATCH, ISSUER, openService, type Service } from './service.ts'

const partOf = (token: string, nth: number) =>
  JSON.parse(Buffer.from(token.split('.')[nth] ?? '', 'base64url').toString())

function factsOf(token: string): TokenFacts {
  const claims = partOf(token, 1)
  const isOffline = String(claims.scope ?? '')
    .split(' ')
    .includes('offline_access')
  return { ...claims, kid: partOf(token, 0).kid, isOffline }
}

describe.skipIf(!brokerIsAvailable())('Kafka and HTTP', () => {
  let broker: Broker
  let service: Service
  let url: string
  beforeAll(async () => {
    broker = await openBroker({ isOwn: true })
    await ensureTopic({ brokers: broker.brokers, retentionMs: NOTICES_KEPT * 1000, deadlineMs: 60_000 })
    service = await openService(undefined, { LEDGATE_KAFKA_BROKERS: broker.brokers.join() })
    url = await service.listen()
  })
  afterAll(async () => {
    await service.close()
    await broker.close()
  })

  async function opener() {
    const { keys } = (await service.get('/revocations/jwks')).body as { keys: JWK[] }
    const keyFor = async (kid: string) => {
      const jwk = keys.find((key) => key.kid === kid)
      return jwk && ((await importJWK(jwk)) as CryptoKey)
    }
    return openStatements({ issuer: ISSUER, keyFor }).open
  }

  /** Follows a source from its beginning, for as long as the test, and keeps what it says. */
  function listenTo(source: RevocationSource, after?: LogPosition) {
    const said: FeedStatement[] = []
    const stop = new AbortController()
    const over = (async () => {
      const open = await opener()
      for await (const items of source.open({ cursor: undefined, after, signal: stop.signal }))
        for (const { jws } of items) said.push(await open(jws))
    })()
    const failure = over.then(() => new Promise<never>(() => {}))
    failure.catch(() => undefined)
    return {
      said,
      /** Waits until it vouches for everything up to a time. */
      async isPast(at: number) {
        while (!said.some((each) => each.kind === 'heartbeat' && each.at > at)) await Promise.race([pause(10), failure])
      },
      async close() {
        stop.abort()
        await over.catch(() => undefined)
      },
    }
  }

  const overHttp = () => httpRevocations({ issuer: ISSUER, url, clientId: 'orders', clientSecret: 'orders-secret' })
  const overKafka = () => kafkaRevocations({ brokers: broker.brokers })

  const noticesIn = (said: readonly FeedStatement[]) => said.filter((each) => each.kind === 'notice')
  /** What each notice says, once, by its place. */
  const byPlace = (said: readonly FeedStatement[]): ReadonlyMap<string, object> =>
    new Map(noticesIn(said).map(({ position, jti, ended, time, type }) => [position, { jti, ended, time, type }]))

  /** How tokens end by what was said of the places up to one. */
  function verdicts(said: readonly FeedStatement[], upTo: string, tokens: readonly TokenFacts[]) {
    const index = revocationIndex()
    const take = (ended: Ended) => void index.apply(ended)
    for (const each of said) {
      if (each.kind === 'notice' && each.position <= upTo) take(each.ended)
      if (each.kind === 'chunk' && each.through <= upTo) each.ended.forEach(take)
    }
    return tokens.map((token) => index.endedBy(token))
  }

  it('say the same, and every place of the log has the same verdicts, whether a snapshot came first or not', async () => {
    const kafka = listenTo(overKafka())
    const http = listenTo(overHttp())
    await http.isPast(0)
    const signIn = async () => (await service.signIn({ scope: 'orders:read' })).body
    const plain = async () => (await service.signIn()).body
    const serviceToken = async () => (await service.token({ grant_type: 'client_credentials' }, BATCH)).body
    const ofAll = async () => [await signIn(), await plain(), await plain(), await serviceToken()] as const
    const { sub } = factsOf(String((await plain())['access_token']))
    const operate = async (command: string, input: object) => expect(await service.operate(command, input)).toBe(200)
    const issued: Record<string, unknown>[] = []
    const snapshots: ReturnType<typeof listenTo>[] = []
    const endings: ((bodies: Awaited<ReturnType<typeof ofAll>>) => Promise<unknown>)[] = [
      ([, , , batch]) => service.revoke(String(batch['access_token']), BATCH),
      ([one]) => service.revoke(String(one['access_token'])),
      ([one]) => service.revoke(String(one['refresh_token'])),
      ([, one]) => service.revoke(String(one['refresh_token'])),
      () => operate('users end-sessions', { sub }),
      () => operate('users roles', { sub, roles: ['packer'], entitlements: [] }),
      () => operate('users disable', { sub }),
      () => operate('users enable', { sub }),
      () => operate('clients disable', { client_id: 'batch' }),
      () => operate('clients enable', { client_id: 'batch' }),
      async () => operate('keys compromise', { use: 'signing', kid: await signingKid() }),
    ]
    const signingKid = async () => partOf(String((await plain())['access_token']), 0).kid
    for (const end of endings) {
      const bodies = await ofAll().catch(() => undefined)
      if (bodies !== undefined) issued.push(...bodies)
      await end((bodies ?? []) as never)
      snapshots.push(listenTo(overHttp()))
    }
    issued.push(...(await ofAll()))
    const tokens = issued.flatMap(({ access_token }) =>
      typeof access_token === 'string' ? [factsOf(access_token)] : [],
    )
    const ended = Date.now()
    await Promise.all([kafka, http, ...snapshots].map((each) => each.isPast(ended)))

    expect(byPlace(kafka.said)).toEqual(byPlace(http.said))
    const places = [...byPlace(kafka.said).keys()].toSorted()
    expect(places.length).toBeGreaterThanOrEqual(endings.length) // two end nothing, and two end two things
    const compared = new Set<string | undefined>()
    for (const place of places) {
      const expected = verdicts(kafka.said, place, tokens)
      expected.forEach((scope) => compared.add(scope))
      expect(verdicts(http.said, place, tokens)).toEqual(expected)
      for (const { said } of snapshots) {
        const [first] = said.flatMap((each) => (each.kind === 'chunk' ? [each.through] : []))
        if (first !== undefined && first <= place) expect(verdicts(said, place, tokens)).toEqual(expected)
      }
    }
    // The control: much was different between one place and another.
    expect(compared).toEqual(
      new Set([undefined, 'jti', 'grant', 'online_session', 'user', 'client', 'key', ...compared]),
    )
    await Promise.all([kafka, http, ...snapshots].map((each) => each.close()))
  })
})
