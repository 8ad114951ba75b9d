import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { EventStore, Position } from '@ledgate/eventsourcing'
import { openEventStoreDBEventStore } from '@ledgate/eventstore-eventstoredb'
import { openProtocolCluster, type ProtocolCluster, seeded, trouble } from '@ledgate/eventstore-eventstoredb/testing'
import { testSigner } from '@ledgate/revocation/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { catalogue, type DomainEvent } from '../../src/catalogue/index.ts'
import { newId, openEventLog } from '../../src/log/index.ts'
import { openMailSending } from '../../src/mail/index.ts'
import { followEvents } from '../../src/process-manager/index.ts'
import { openRevocationFeed } from '../../src/revocation-feed/index.ts'
import { toNewEvent } from '../../src/testing/history.ts'
import { openHousehold, inMemoryCheckpoints, ISSUER } from '../../src/testing/household.ts'
import { command, EPOCH } from '../../src/testing/parts.ts'
import { projections } from '../../src/views/index.ts'
import { openLocalViews } from '../../src/compose/views.ts'
import { emailStream } from '../../src/email-address/index.ts'
import { userStream } from '../../src/user/index.ts'

/** Of a cluster thirty times as fast as a real one; the client's own are between them, the longest pause is above all. */
const LIMITS = {
  electionMs: 120,
  staleMs: 80,
  lostMs: 30,
  preLeaderMs: 5,
  changingMs: 10,
  restartMs: 50,
  commitTimeoutMs: 120,
}
const CLIENT = { attemptMs: 400, settleMs: 50, idleMs: 200 }
const LONGEST_MS = 1_200

/** Everything that follows the log in a server, each by a connection of its own, and somebody who writes. */
async function installation(cluster: ProtocolCluster) {
  const opened: { close(): Promise<void> }[] = []
  const open = () => {
    const store = openEventStoreDBEventStore({ url: cluster.url, ...CLIENT })
    opened.push(store)
    return store
  }
  const stop = new AbortController()
  const { signal } = stop
  const running: Promise<unknown>[] = []
  const again = async (work: () => Promise<unknown>) => {
    while (!signal.aborted) {
      await work().catch(() => undefined)
      await pause(5, undefined, { signal }).catch(() => undefined)
    }
  }
  const house = await openHousehold({ store: open() })
  const { sealer, clock, derivationKeys, completion } = house

  const mails: string[] = []
  const sending = openMailSending({
    log: openEventLog({ store: open(), sealer, catalogue }),
    sealer,
    linkKeys: derivationKeys,
    mailer: { send: async ({ to }) => void mails.push(to), close: async () => {} },
    checkpoints: inMemoryCheckpoints(),
    clock,
    issuer: ISSUER,
    newId,
    onError: () => {},
  })
  const followed = open()
  const registrations = {
    store: followed,
    checkpoints: inMemoryCheckpoints(),
    name: 'registration',
    streams: [emailStream, userStream] as const,
    handle: (event: Parameters<typeof completion.complete>[0]) => completion.complete(event),
    onError: () => {},
    firstPauseMs: 5,
    signal,
  }
  const feedStore = open()
  const signer = await testSigner()
  const feed = openRevocationFeed({
    store: feedStore,
    readBarrier: feedStore.readBarrier,
    keys: { read: async () => ({ signer, publicKey: () => signer }) },
    issuer: ISSUER,
    issuerEpoch: async () => 0,
    tokenCap: async () => 3600,
    clock,
    onError: () => {},
    everyMs: 200,
    againMs: 20,
  })
  const told: Position[] = []
  const listen = async () => {
    for await (const item of feed.follow(undefined, signal)) if (item.kind === 'notice') told.push(item.position)
  }
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-followers-'))
  const views = await openLocalViews({ viewsFile: join(folder, 'views.db'), store: open(), sealer })
  running.push(
    again(() => sending.run(signal)),
    again(() => followEvents(registrations)),
    feed.run(signal),
    again(listen),
  )
  await vi.waitUntil(() => feed.state().followers > 0)

  onTestFinished(async () => {
    stop.abort()
    await Promise.all(running)
    await views.close()
    await Promise.all(opened.map((each) => each.close()))
    rmSync(folder, { recursive: true, force: true })
  })

  let made = 0
  return {
    house,
    views,
    mails,
    told,
    /** Ends something; where the event of it stands. */
    async revoke(store: Pick<EventStore, 'append'> = house.store): Promise<Position> {
      const jti = `token-${(made += 1)}-${crypto.randomUUID()}`
      const event = {
        type: 'ServiceTokenRevoked',
        data: { jti, client_id: 'batch', exp: EPOCH + 300 },
      } satisfies DomainEvent
      const step = { stream: `service-batch-${jti}`, event, actor: { type: 'system', id: 'test' } as const }
      return (await store.append(step.stream, [toNewEvent(step, made)], { expected: 'noStream' })).position
    },
    /** Somebody new; the address that waits for a mail. */
    async register(): Promise<string> {
      const email = `person-${(made += 1)}-${crypto.randomUUID()}@example.com`
      await house.registration.register({ email, password: 'a quiet harbour at dawn' }, command())
      return email
    },
    /** The digest of every view as it was kept, and as it is when it is built anew at the same place. */
    async digests(): Promise<readonly (readonly [string, string, string])[]> {
      const head = await house.store.head()
      await vi.waitUntil(() => views.waitFor(head, 60_000))
      const found: [string, string, string][] = []
      for (const { name } of projections) {
        const { digest } = await views.projector.digest(name)
        await views.projector.rebuild(name)
        found.push([name, digest, (await views.projector.digest(name)).digest])
      }
      return found
    },
  }
}

/** Quickly: whoever looks again and again must not keep the others from their work. */
function missing(wanted: readonly string[], found: readonly string[]): readonly string[] {
  const all = new Set(found)
  return wanted.filter((each) => !all.has(each))
}

async function openCluster(nodes: number): Promise<ProtocolCluster> {
  const cluster = await openProtocolCluster({ nodes, limits: LIMITS })
  onTestFinished(() => cluster.close())
  return cluster
}

describe('from the first start on a new database on', () => {
  it('the email of the first registration is sent, the feed publishes the first revocation, and every view has the first event', async () => {
    const { register, revoke, mails, told, digests, views } = await installation(await openCluster(1))
    const email = await register()
    const position = await revoke()
    await vi.waitFor(() => expect([mails, told]).toEqual([[email], [position]]))
    for (const [name, kept, rebuilt] of await digests()) expect(kept, name).toBe(rebuilt)
    expect(views.audit.query({ order: 'oldest', limit: 1 }).entries.length).toBe(1)
  })
})

describe('whatever befalls the nodes', () => {
  it('every email is sent, the feed publishes every revocation once and in order, and the views equal a rebuild', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
    const random = seeded(seed)
    const cluster = await openCluster(3)
    const { register, revoke, mails, told, digests } = await installation(cluster)
    const misfortune = trouble(cluster, { random, longestMs: LONGEST_MS })
    const ended: Position[] = []
    const waiting: string[] = []
    for (let round = 1; round <= rounds({ quick: 1, long: 100, soak: 300 }); round += 1) {
      const asked: Promise<unknown>[] = []
      for (let each = 0; each < 4; each += 1) {
        misfortune.next()
        const answered = [
          revoke().then((position) => ended.push(position)),
          register().then((email) => waiting.push(email)),
        ]
        asked.push(Promise.allSettled(answered))
        await pause(random() * 250)
      }
      await misfortune.heal()
      await Promise.all(asked)
      ended.push(await vi.waitFor(() => revoke()))
      const said = `seed ${seed}, round ${round}`
      await vi.waitFor(() => {
        expect([missing(ended, told), missing(waiting, mails)], said).toEqual([[], []])
      })
      expect(told, said).toEqual([...new Set(told)].toSorted())
    }
    for (const [name, kept, rebuilt] of await digests()) expect(kept, `seed ${seed}, ${name}`).toBe(rebuilt)
  }, 1_200_000)
})
