import { setTimeout as pause } from 'node:timers/promises'
import { runDecision, Unavailable, UnknownOutcome } from '@ledgate/eventsourcing'
import { openEventStoreDBEventStore } from '@ledgate/eventstore-eventstoredb'
import { openProtocolCluster, type ProtocolCluster } from '@ledgate/eventstore-eventstoredb/testing'
import { inMemoryVault } from '@ledgate/vault/testing'
import { decodeProtectedHeader } from 'jose'
import { expect, it, onTestFinished, vi } from 'vitest'
import { controls, rounds } from '../../../rounds.ts'
import { ANN, type Household, openHousehold } from '../src/testing/household.ts'
import { command, createHandClock } from '../src/testing/parts.ts'

/** The time limits of a cluster and of its clients, a thirtieth of what they are. */
const LIMITS = {
  commitTimeoutMs: 100,
  electionMs: 150,
  lostMs: 40,
  preLeaderMs: 5,
  staleMs: 70,
  changingMs: 10,
  restartMs: 60,
}
const ATTEMPT_MS = 100
/** For which leaders lie still: less and more than each of these limits. */
const PAUSES_MS = [10, 60, 90, 130, 220, 300, 450]

const isUnanswered = (error: unknown): boolean => error instanceof Unavailable || error instanceof UnknownOutcome

/** As a client does that gets a 503: until it is answered. */
async function answered<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (;;)
    try {
      return await ask()
    } catch (error) {
      if (!isUnanswered(error)) throw error
      await pause(5)
    }
}

/** Three replicas over a cluster of three nodes. */
async function installation(options: { readonly gossipsAlone?: boolean } = {}) {
  const cluster = await openProtocolCluster({ nodes: 3, limits: LIMITS, ...options })
  const stores = cluster.nodes.map(() =>
    openEventStoreDBEventStore({ url: cluster.url, attemptMs: ATTEMPT_MS, settleMs: 20 }),
  )
  onTestFinished(async () => {
    await Promise.all(stores.map((store) => store.close()))
    cluster.close()
  })
  const shared = { clock: createHandClock(), vault: inMemoryVault() }
  const replicas: Household[] = []
  for (const store of stores) {
    // The first one registers what all of them have.
    const home = await answered(() => openHousehold({ store, ...shared, shared }))
    if (replicas.length === 0) await answered(() => home.addClient('web'))
    replicas.push(home)
  }
  return { cluster, replicas: replicas as [Household, Household, Household] }
}

type Installation = Awaited<ReturnType<typeof installation>>

interface Subject {
  readonly sub: string
  readonly clientId: string
  readonly access: string
  readonly refresh: string
}

/** What ends a token, by one replica; each of them for ever. */
const ENDINGS: Readonly<Record<string, (home: Household, subject: Subject) => Promise<unknown>>> = {
  'the grant': (home, { refresh, clientId }) => home.revoke(refresh, clientId),
  'the person, disabled': (home, { sub }) => home.accounts.disable(sub, 'x', command()),
  'the person’s sessions': (home, { sub }) => home.accounts.revokeSessions(sub, 'x', command()),
  'the person, erased': (home, { sub }) => home.accounts.erase(sub, 'x', command()),
  'the client': (home, { clientId }) => home.clients.change(clientId, { type: 'Disable', reason: 'x' }, command()),
  'the key': (home, { access }) => home.signingKeys.compromise(String(decodeProtectedHeader(access).kid), command()),
  'all there is': (home) => home.installation.endAllTokens('x', command()),
}
/** After which a refresh token lives on. */
const ACCESS_ALONE = ['the key']

/** Somebody signed in, by a client of their own where the client is what ends. */
async function newSubject(home: Household, ending: string, round: number): Promise<Subject> {
  const person = { ...ANN, email: `ann-${round}@example.com` }
  const { sub } = await answered(() => home.create(person))
  const clientId = ending === 'the client' ? `client-${round}` : 'web'
  if (clientId !== 'web') await answered(() => home.addClient(clientId))
  const { access_token: access, refresh_token: refresh = '' } = await answered(() => home.signedIn(clientId, person))
  return { sub, clientId, access, refresh }
}

/** Lets the leader lie still for some time. */
async function stopLeader({ leader, nodes }: ProtocolCluster, ms: number): Promise<void> {
  const node = leader === undefined ? undefined : nodes[leader]
  node?.pause()
  await pause(ms)
  node?.resume()
}

/** Somebody who renews at one replica after the other, and is never refused. */
async function keeper({ replicas }: Installation) {
  const [home] = replicas
  await answered(() => home.create())
  let newest: string | undefined
  const again = async () => void (newest = (await answered(() => home.signedIn())).refresh_token)
  await again()
  let count = 0
  const faults: string[] = []
  return {
    faults,
    again,
    async renew(): Promise<void> {
      const at = replicas[count % 3] ?? home
      const attempt = `attempt-${count}`
      count += 1
      try {
        newest = (await answered(() => at.refresh(newest, attempt))).refresh_token
      } catch (error) {
        faults.push(`whose refresh token is the newest was refused: ${String(error)}`)
        await again()
      }
    },
  }
}

/** What was answered wrongly in one round. */
async function round(
  world: Installation,
  { renew, again }: Awaited<ReturnType<typeof keeper>>,
  number: number,
): Promise<readonly string[]> {
  const { cluster, replicas } = world
  const names = Object.keys(ENDINGS)
  const ending = names[number % names.length] ?? ''
  const [ends, busy, idle] = [0, 1, 2].map((index) => replicas[(number + index) % 3]) as [
    Household,
    Household,
    Household,
  ]
  const subject = await newSubject(ends, ending, number)
  const faults: string[] = []
  let isEnded = false
  let isOver = false

  /** Asks about what is to be ended, again and again, and whether it can still be renewed. */
  async function watch(home: Household, who: string): Promise<void> {
    for (let asked = 0; !isOver; asked += 1) {
      const wasEnded = isEnded
      if (who === 'idle' && !wasEnded) {
        await pause(2)
        continue
      }
      const lives = await home.lives(subject.access).catch((error: unknown) => {
        if (!isUnanswered(error)) throw error
        return undefined
      })
      if (wasEnded && lives === true) faults.push(`${who}: active after the end of ${ending}`)
      if (!wasEnded || ACCESS_ALONE.includes(ending)) continue
      const renewed = await runDecision(() => home.refresh(subject.refresh, undefined, subject.clientId)).then(
        () => true,
        () => false,
      )
      if (renewed) faults.push(`${who}: renewed after the end of ${ending}`)
    }
  }

  const watching = [watch(busy, 'busy'), watch(idle, 'idle')]
  const stopping = stopLeader(cluster, PAUSES_MS[number % PAUSES_MS.length] ?? 0)
  await answered(() => (ENDINGS[ending] as (typeof ENDINGS)[string])(ends, subject))
  isEnded = true
  const endsAll = ending === 'all there is'
  const renewing = endsAll
    ? stopping
    : renew()
        .then(() => stopping)
        .then(renew)
  await stopping
  await pause(LIMITS.staleMs) // for as long as the leader of before believes in itself
  isOver = true
  await Promise.all([...watching, renewing])
  if (endsAll) await again()
  await vi.waitUntil(() => cluster.nodes.every(({ role }) => role === 'leader' || role === 'follower'))
  return faults
}

async function play(count: number, options?: Parameters<typeof installation>[0]): Promise<readonly string[]> {
  const world = await installation(options)
  const kept = await keeper(world)
  const { faults } = kept
  const found: string[] = []
  const first = Math.floor(Math.random() * 1_000)
  for (let number = 0; number < count; number += 1) {
    found.push(...(await round(world, kept, first + number)))
    if (found.length + faults.length > 0) break
  }
  return [...found, ...faults]
}

it('what was revoked is rejected at every replica, and nothing else is, while leaders are paused', async () => {
  expect(await play(rounds({ quick: 1, long: 300 }))).toEqual([])
})

controls(() =>
  it('is found out where nodes are believed without a read barrier', async () => {
    expect(await play(300, { gossipsAlone: true })).not.toEqual([])
  }),
)
