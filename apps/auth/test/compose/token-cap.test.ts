import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inMemoryEventStore, type NewEvent, START } from '@ledgate/eventsourcing'
import { type Ended, openStatements, revocationIndex, type TokenFacts } from '@ledgate/revocation'
import { inMemorySealer } from '@ledgate/vault/testing'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { LONGEST_TOKEN_CAP, readConfig } from '../../src/config/index.ts'
import { openTokenCap } from '../../src/token-cap/index.ts'
import { openEventLog } from '../../src/log/index.ts'
import { openLiveSet } from '../../src/revocation-feed/kafka/index.ts'
import { openRevocationFeed, SKEW, openSnapshots } from '../../src/revocation-feed/index.ts'
import { type Core, openCore } from '../../src/compose/core.ts'
import { feedDependencies } from '../../src/compose/feed.ts'
import { command } from '../../src/testing/parts.ts'
import { catalogue } from '../../src/catalogue/index.ts'

const ISSUER = 'http://127.0.0.1:4000'
/** What each scope ends with; of tokens, the one that ends itself says its own end. */
const SCOPES = {
  UserSessionsRevoked: 'user',
  ClientDisabled: 'client',
  SessionRevoked: 'session',
  SessionEnded: 'online_session',
  GrantRevoked: 'grant',
  IssuerEpochRaised: 'issuer',
} as const

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../src/catalogue/golden.json'), 'utf8'),
) as NewEvent[]

function newest(type: string): NewEvent {
  const payload = golden.findLast((each) => each.type === type)
  if (payload === undefined) throw new Error(`no payload of ${type}`)
  return { ...payload, id: randomUUID() }
}

/** A data folder, opened with one cap after the other. */
function house() {
  const dataDir = mkdtempSync(join(tmpdir(), 'ledgate-cap-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const masterKey = randomBytes(32).toString('base64url')
  return async <Result>(cap: number, work: (core: Core) => Promise<Result>): Promise<Result> => {
    const env = { LEDGATE_DATA_DIR: dataDir, LEDGATE_ISSUER: ISSUER, LEDGATE_MASTER_KEY: masterKey }
    const config = readConfig({ ...env, LEDGATE_TOKEN_CAP: String(cap) })
    const core = await openCore(config, pino({ level: 'silent' }))
    try {
      return await work(core)
    } finally {
      await core.close()
    }
  }
}

const opener = async ({ feedKeys }: Core) => {
  const { publicKey } = await feedKeys.read()
  return openStatements({ issuer: ISSUER, keyFor: (kid) => Promise.resolve(publicKey(kid)?.key) })
}

async function inSnapshot(core: Core): Promise<readonly Ended[]> {
  const { open } = await opener(core)
  const found: Ended[] = []
  for await (const jws of await openSnapshots({ ...feedDependencies(core), views: core.views }).take()) {
    const chunk = await open(jws)
    if (chunk.kind === 'chunk') found.push(...chunk.ended)
  }
  return found
}

async function inLiveSet(core: Core): Promise<readonly Ended[]> {
  const { open } = await opener(core)
  const found: Ended[] = []
  for await (const batch of (await openLiveSet({ ...feedDependencies(core), views: core.views }, START)).batches)
    for (const { jws } of batch) {
      const notice = await open(jws)
      if (notice.kind === 'notice') found.push(notice.ended)
    }
  return found
}

/** Ends one of each while the feed runs. */
async function inFeed(core: Core): Promise<readonly Ended[]> {
  const { open } = await opener(core)
  const stop = new AbortController()
  const feed = openRevocationFeed({ ...feedDependencies(core), onError: () => {}, everyMs: 5 })
  const running = feed.run(stop.signal)
  const found: Ended[] = []
  const reader = feed.follow(undefined, stop.signal)[Symbol.asyncIterator]()
  await reader.next()
  await endAll(core)
  while (found.length < Object.keys(SCOPES).length) {
    const { value, done } = await reader.next()
    if (done === true) break
    const notice = await open(value.jws)
    if (notice.kind === 'notice') found.push(notice.ended)
  }
  stop.abort()
  await running
  return found
}

async function endAll({ store }: Core): Promise<void> {
  for (const type of Object.keys(SCOPES))
    await store.append(`ending-${randomUUID()}`, [newest(type)], { expected: 'noStream' })
}

/** Whether each scope is told of until tokens that lived so many seconds at the time are dead. */
function expectTold(found: readonly Ended[], time: number, cap: number): void {
  expect(found.map(({ scope }) => scope).toSorted()).toEqual(Object.values(SCOPES).toSorted())
  for (const { until } of found) expect(until).toBeGreaterThanOrEqual(Math.floor(time / 1000) + cap + SKEW)
}

describe('a cap that is lowered frees nothing', () => {
  it('what ended tokens of the old one is in snapshot, live set and feed until the last of them is dead', async () => {
    const opened = house()
    const time = Date.now()
    await opened(3600, endAll)
    await opened(300, async (core) => {
      for (const told of [inSnapshot, inLiveSet, inFeed]) expectTold(await told(core), time, 3600)
      // And no longer: nothing of another cap was ever there.
      for (const { until } of await inSnapshot(core)) expect(until).toBeLessThan(Date.now() / 1000 + 3600 + SKEW + 2)
    })
  })

  it('a token of before is refused by verifiers until it expires, in whichever scope it was ended', async () => {
    const opened = house()
    await opened(3600, endAll)
    const found = await opened(300, inSnapshot)
    const exp = Math.floor(Date.now() / 1000) + 3600
    for (const ended of found) {
      const index = revocationIndex({ now: () => (exp - 10) * 1000 })
      index.apply(ended)
      const named = { user: { sub: ended.id }, client: { client_id: ended.id }, grant: { gid: ended.id } }
      const token = { sub: 'sub', client_id: 'client', jti: 'jti', kid: 'kid', iat: exp - 3600, exp, isOffline: false }
      const names = { ...named, session: { sid: ended.id }, online_session: { sid: ended.id }, issuer: {} }
      const facts = { ...token, ...names[ended.scope as keyof typeof names] } as TokenFacts
      expect(index.endedBy(facts)).toBe(ended.scope)
    }
  })

  it('the revocation of a single token is published until that token expires, whatever the cap', async () => {
    const opened = house()
    const exp = Math.floor(Date.now() / 1000) + 3600
    await opened(3600, async ({ store }) => {
      const payload = newest('ServiceTokenRevoked')
      const data = { ...payload.data, exp }
      await store.append('service-batch-1', [{ ...payload, data }], { expected: 'noStream' })
    })
    await opened(300, async (core) => {
      for (const told of [inSnapshot, inLiveSet])
        expect(await told(core)).toMatchObject([{ scope: 'jti', until: exp + SKEW }])
    })
  })

  it('a folder of a version that did not record the cap may have had the longest one', async () => {
    const store = inMemoryEventStore()
    const log = openEventLog({ store, sealer: inMemorySealer(), catalogue })
    await store.append('keyring-signing', [newest('KeyGenerated')], { expected: 'noStream' })
    const old = openTokenCap({ log })
    expect(await old.highest()).toBe(86_400)
    await old.raiseTo(300, command())
    expect(await old.highest()).toBe(86_400)
  })
})

describe('the highest cap', () => {
  it('is that of any replica, never falls, and costs one event for each raise', async () => {
    const store = inMemoryEventStore()
    const log = openEventLog({ store, sealer: inMemorySealer(), catalogue })
    const [one, other] = [openTokenCap({ log }), openTokenCap({ log })]
    await Promise.all([one.raiseTo(300, command()), other.raiseTo(3600, command())])
    expect([await one.highest(), await other.highest()]).toEqual([3600, 3600])
    const head = await store.head()
    await Promise.all([one.raiseTo(60, command()), other.raiseTo(3600, command())])
    expect(await one.highest()).toBe(3600)
    expect(await store.head()).toBe(head)
  })

  it('of another replica reaches a feed that runs, before what ends under it', async () => {
    await house()(300, async (core) => {
      const { open } = await opener(core)
      const stop = new AbortController()
      const feed = openRevocationFeed({ ...feedDependencies(core), onError: () => {}, everyMs: 5 })
      const running = feed.run(stop.signal)
      const reader = feed.follow(undefined, stop.signal)[Symbol.asyncIterator]()
      await reader.next()
      const time = Date.now()
      await openTokenCap(core).raiseTo(7200, command())
      await core.store.append('grant-1', [newest('GrantRevoked')], { expected: 'noStream' })
      for (;;) {
        const { value } = await reader.next()
        const told = await open((value as { jws: string }).jws)
        if (told.kind !== 'notice') continue
        expect(told.ended.until).toBeGreaterThanOrEqual(Math.floor(time / 1000) + 7200 + SKEW)
        break
      }
      stop.abort()
      await running
    })
  })
})

describe('a signing key that was superseded', () => {
  it('checks tokens for as long as the longest cap says, however low the cap is now', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000)
    await house()(60, async ({ signingKeys }) => {
      const { kid } = (await signingKeys.read()).signer
      const checks = async () => (await signingKeys.read()).publicKey(kid) !== undefined
      pass(3_600)
      await signingKeys.rotate(command())
      pass(LONGEST_TOKEN_CAP - 1)
      await signingKeys.maintain(Infinity)
      expect(await checks()).toBe(true)
      pass(SKEW + 2)
      await signingKeys.maintain(Infinity)
      expect(await checks()).toBe(false)
    })
  })
})
