import { setTimeout as pause } from 'node:timers/promises'
import { type FindKey, followRevocations, revocationIndex, type TokenFacts } from '@ledgate/revocation'
import { kafkaRevocations } from '@ledgate/revocation/kafka'
import { type Broker, brokerIsAvailable, openBroker } from '@ledgate/revocation/testing'
import { type CryptoKey, importJWK, type JWK } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ISSUER, openService, type Service, WEB } from './service.ts'

const revoke = (service: Service, token: string, prefer: string) =>
  service.send({
    method: 'POST',
    url: '/oauth2/revoke',
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: WEB, prefer },
    payload: new URLSearchParams({ token }).toString(),
  })

const TOPIC = 'ledgate.revocations.v1'
const accessOf = async (service: Service) => String((await service.signIn()).body['access_token'])
const partOf = (token: string, nth: number) =>
  JSON.parse(Buffer.from(token.split('.')[nth] ?? '', 'base64url').toString())
const factsOf = (token: string): TokenFacts => ({ ...partOf(token, 1), kid: partOf(token, 0).kid })

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(10)
}

describe('a revocation that says Prefer: wait', () => {
  it('is answered once the feed has published it, which is all there is without Kafka', async () => {
    const service = await openService()
    const told = await revoke(service, await accessOf(service), 'respond-async, wait=5')
    expect(told).toMatchObject({ status: 200, headers: { 'preference-applied': 'wait=5' } })
    await service.close()
  })

  it('does not wait without the preference, or with a malformed one', async () => {
    const service = await openService()
    for (const prefer of ['wait=soon', 'return=minimal', '']) {
      const { status, headers } = await revoke(service, await accessOf(service), prefer)
      expect(status).toBe(200)
      expect(headers).not.toHaveProperty('preference-applied')
    }
    await service.close()
  })

  it('waits for what was revoked before, when this call ends nothing', async () => {
    const service = await openService()
    const token = await accessOf(service)
    await service.revoke(token)
    expect((await revoke(service, token, 'wait=5')).headers).toMatchObject({ 'preference-applied': 'wait=5' })
    await service.close()
  })
})

describe.skipIf(!brokerIsAvailable())('a server with Kafka', () => {
  let broker: Broker
  let service: Service
  const opened: { close(): Promise<void> }[] = []
  beforeAll(async () => {
    broker = await openBroker({ isOwn: true })
    service = await openService(undefined, { LEDGATE_KAFKA_BROKERS: broker.brokers.join() })
    await service.listen()
  })
  afterEach(() => Promise.all(opened.splice(0).map((each) => each.close())))
  afterAll(async () => {
    await service.close()
    await broker.close()
  })

  /** Finds the keys of the feed as a verifier does. */
  const keyFor: FindKey = async (kid) => {
    const { keys } = (await service.get('/revocations/jwks')).body as { keys: JWK[] }
    const jwk = keys.find((key) => key.kid === kid)
    return jwk && ((await importJWK(jwk)) as CryptoKey)
  }

  /** A verifier that knows nothing but what the topic says. */
  function reader() {
    const index = revocationIndex()
    const ended: string[] = []
    const follower = followRevocations({
      sources: [kafkaRevocations({ brokers: broker.brokers, deadlineMs: 5_000 })],
      issuer: ISSUER,
      keyFor,
      index,
      onRevoked: ({ id }) => ended.push(id),
    })
    opened.push(follower)
    return {
      /** What ended, in the order in which it was told. */
      ended,
      ready: () => follower.ready(AbortSignal.timeout(60_000)),
      isDead: (token: string) => index.endedBy(factsOf(token)) !== undefined,
    }
  }

  /** The notice in the topic that ended a token. */
  async function noticeOf(token: string): Promise<string> {
    const { signal } = new AbortController()
    for await (const items of kafkaRevocations({ brokers: broker.brokers }).open({
      cursor: undefined,
      after: undefined,
      signal,
    }))
      for (const { jws } of items) if (JSON.stringify(partOf(jws, 1)).includes(partOf(token, 1).jti)) return jws
    throw new Error('the topic has no such notice')
  }

  const metric = async (name: string): Promise<number> => {
    const { text } = await service.get('/metrics')
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
  }

  it('has a revocation in the topic when it says so, and a verifier that starts then refuses the token', async () => {
    const [dead, alive] = [await accessOf(service), await accessOf(service)]
    expect((await revoke(service, dead, 'wait=10')).headers).toMatchObject({ 'preference-applied': 'wait=10' })
    const verifier = reader()
    await verifier.ready()
    expect(verifier.isDead(dead)).toBe(true)
    expect(verifier.isDead(alive)).toBe(false)
  })

  it('serves and stays ready without Kafka, is exact itself, and publishes everything in order when Kafka is back', async () => {
    const before = reader()
    await before.ready()
    await broker.kill()
    const tokens = await Promise.all(Array.from({ length: 20 }, () => accessOf(service)))
    for (const token of tokens) {
      const { status, headers } = await revoke(service, token, token === tokens[0] ? 'wait=1' : '')
      expect(status).toBe(200)
      expect(headers).not.toHaveProperty('preference-applied')
      expect(await service.introspect(token)).toEqual({ active: false })
    }
    await until(async () => (await metric('ledgate_kafka_up')) === 0)
    expect(await metric('ledgate_kafka_lag_seconds')).toBeGreaterThan(0)
    expect((await service.get('/readyz')).status).toBe(200)
    await broker.restart()
    await before.ready()
    await until(() => tokens.every(before.isDead))
    await until(async () => (await metric('ledgate_kafka_lag_seconds')) === 0)
    const after = reader()
    await after.ready()
    expect(tokens.filter((token) => !after.isDead(token))).toEqual([])
    const jtis = tokens.map((token) => String(partOf(token, 1).jti))
    expect(before.ended.filter((id) => jtis.includes(id))).toEqual(jtis)
  })

  it('refills a truncated and a deleted topic before a reader trusts it', async () => {
    const dead = await accessOf(service)
    await revoke(service, dead, 'wait=10')
    for (const harm of [broker.truncate, broker.deleteTopic]) {
      await harm(TOPIC)
      const verifier = reader()
      await verifier.ready()
      expect(verifier.isDead(dead)).toBe(true)
    }
  })

  it.each(['lz4', 'snappy'])('gets past what a broker compressed by %s, once the setting is put back', async (name) => {
    const follows = reader()
    await follows.ready()
    await broker.setTopic(TOPIC, 'compression.type', name)
    const dead = await accessOf(service)
    await revoke(service, dead, 'wait=10')
    // It refuses the topic then, and does not fill it again and again with what nobody can read.
    await until(async () => (await metric('ledgate_kafka_up')) === 0)
    await broker.setTopic(TOPIC, 'compression.type', 'producer')
    const begins = reader()
    await begins.ready()
    expect(begins.isDead(dead)).toBe(true)
    await until(() => follows.isDead(dead))
    await follows.ready()
  })

  it('sends again what was damaged after it had been read back, when it starts to publish', async () => {
    const dead = await accessOf(service)
    await revoke(service, dead, 'wait=10')
    await reader().ready()
    await broker.damage(TOPIC, await noticeOf(dead))
    const stopped = await service.stop()
    await stopped.again()
    await service.listen()
    const verifier = reader()
    await verifier.ready()
    expect(verifier.isDead(dead)).toBe(true)
  })
})

it.skipIf(!brokerIsAvailable())('publishes by TLS, and says who it is, as its settings tell it to', async () => {
  const broker = await openBroker({ isSecured: true })
  onTestFinished(() => broker.close())
  const { brokers, ca, username, password, mutual } =
    broker.secured ?? expect.fail('the broker has no secured listener')
  const byPassword = {
    LEDGATE_KAFKA_BROKERS: brokers,
    LEDGATE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    LEDGATE_KAFKA_SASL_USERNAME: username,
    LEDGATE_KAFKA_SASL_PASSWORD: password,
  }
  const byCertificate = {
    LEDGATE_KAFKA_BROKERS: mutual.brokers,
    LEDGATE_KAFKA_TLS_CERT: mutual.cert,
    LEDGATE_KAFKA_TLS_KEY: mutual.key,
  }
  for (const settings of [byPassword, byCertificate]) {
    const service = await openService(undefined, { ...settings, LEDGATE_KAFKA_TLS_CA: ca })
    onTestFinished(() => service.close())
    await until(async () => {
      const { headers } = await revoke(service, await accessOf(service), 'wait=10')
      return headers['preference-applied'] === 'wait=10'
    })
  }
})
