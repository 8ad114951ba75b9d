import gossipServices from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import gossipMessages from '@eventstore/db-client/generated/gossip_pb.js'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import { credentials } from '@grpc/grpc-js'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  openProtocolCluster,
  type ProtocolCluster,
  type ProtocolClusterOptions,
  type ProtocolNode,
} from '../../src/testing/index.ts'
import { type Asked, ask } from '../answers/asking.ts'
import type { Described } from '../answers/describing.ts'
import { type Names, names } from '../answers/naming.ts'

/** Longer than a test: what would come after it does not come. */
const NEVER_MS = 3_600_000
/** Limits that no test meets by chance; each test names those that it wants to meet. */
const PATIENT = {
  commitTimeoutMs: NEVER_MS,
  electionMs: NEVER_MS,
  lostMs: NEVER_MS,
  preLeaderMs: 0,
  staleMs: NEVER_MS,
  changingMs: NEVER_MS,
  restartMs: NEVER_MS,
}

let cluster: ProtocolCluster
let known: Names
async function open(nodes: number, limits: Partial<typeof PATIENT> = {}, options: ProtocolClusterOptions = {}) {
  known = names()
  cluster = await openProtocolCluster({ nodes, limits: { ...PATIENT, ...limits }, ...options })
}
afterEach(() => cluster.close())

const node = (index: number): ProtocolNode => {
  const found = cluster.nodes[index]
  if (found === undefined) throw new Error(`no node ${index}`)
  return found
}
function of(index: number, requiresLeader = true): Asked {
  const asked = ask(`127.0.0.1:${node(index).port}`, known, requiresLeader)
  onTestFinished(() => asked.close())
  return asked
}
const said = (answers: readonly Described[] | Described): string => JSON.stringify(known.named(answers))
const [EVENT, NOT_READY] = [/"event":"a-1@0"/, /"UNAVAILABLE".*Server Is Not Ready|"message":"Server Is Not Ready"/]
const sentTo = (index: number): RegExp => new RegExp(`NOT_FOUND.*"${node(index).port}"`)

describe('a node that lags', () => {
  test('says nothing of it: its readers miss what is new, and its subscriptions are confirmed and silent', async () => {
    await open(3)
    node(2).lag(true)
    const stale = of(2, false)
    const subscription = stale.subscribe({ regex: '^a-', from: 'end' })
    expect(said(await subscription.take(2))).toBe('[{"confirmation":true},{"caughtUp":true}]')
    expect(said(await of(0).batch('a-1', ['one'], 'noStream'))).toContain('"revision":0')
    expect(said(await stale.read({ stream: 'a-1' }))).toContain('streamNotFound')
    expect(said(await stale.read({ prefixes: ['a-'] }))).toBe('["end"]')
    expect(said(await subscription.take(0))).toBe('[]')
    node(2).lag(false)
    expect(said(await subscription.take(1))).toMatch(EVENT)
    subscription.stop()
  })

  // Enumerator.AllSubscriptionFiltered.cs:167
  test('takes a subscription that requires the leader and starts above what it has, though it does not lead', async () => {
    await open(3)
    node(2).lag(true)
    await of(0).batch('a-1', ['one'], 'noStream')
    await of(0).read({ prefixes: ['a-'] })
    const above = of(2).subscribe({ regex: '^a-', from: known.positionOf('a-1@0') })
    expect(said(await above.take(2))).toBe('[{"confirmation":true},{"caughtUp":true}]')
    const below = of(2).subscribe({ regex: '^a-' })
    expect(said(await below.take(3))).toMatch(sentTo(0))
    for (const each of [above, below]) each.stop()
  })

  test('and another one leave their leader without a majority: appends say Timeout, and readers see nothing of them', async () => {
    await open(3, { commitTimeoutMs: 50 })
    for (const index of [1, 2]) node(index).lag(true)
    const leader = of(0)
    expect(said(await leader.batch('a-1', ['one'], 'noStream'))).toContain('"type":"event_store.client.Timeout"')
    expect(said(await leader.append('a-1', ['two'], 0))).toContain('ABORTED')
    expect(said(await leader.read({ stream: 'a-1' }))).toContain('streamNotFound')
    // A repeat of what is there, and is replicated by none.
    expect(said(await leader.batch('a-1', ['one'], 'noStream'))).toContain('"type":"event_store.client.Timeout"')
    node(1).lag(false)
    expect(said(await leader.batch('a-1', ['one'], 'noStream'))).toContain('"success":{"revision":0')
  })
})

describe('a node that is paused', () => {
  test('gives no answer and no error, and answers when it goes on', async () => {
    await open(3)
    await of(0).batch('a-1', ['one'], 'noStream')
    node(0).pause()
    const answers: string[] = []
    const asked = of(0)
    const waiting = Promise.all([
      asked.read({ stream: 'a-1' }).then((answer) => answers.push(said(answer))),
      asked.batch('a-1', ['two'], 0).then((answer) => answers.push(said(answer))),
    ])
    expect(said(await of(1, false).read({ stream: 'a-1' }))).toMatch(EVENT)
    expect(answers).toEqual([])
    node(0).resume()
    await waiting
    expect(answers.join()).toMatch(/a-1@0.*"success":\{"revision":1|"success":\{"revision":1.*a-1@0/)
  })

  test('and led, answers what waited and what is new from what it had, as if it still did', async () => {
    await open(3, { electionMs: 20 })
    await of(0).batch('a-1', ['one'], 'noStream')
    node(0).pause()
    const waiting = of(0).read({ stream: 'a-1' })
    await vi.waitUntil(() => cluster.leader !== 0 && node(cluster.leader ?? 0).role === 'leader')
    expect(said(await of(cluster.leader ?? 0).batch('a-1', ['two'], 0))).toContain('"revision":1')
    node(0).resume()
    for (const answer of [await waiting, await of(0).read({ stream: 'a-1' })])
      expect(said(answer)).toBe('[{"event":"a-1@0","type":"T"},"end"]')
    expect(said(await of(cluster.leader ?? 0).read({ stream: 'a-1' }))).toContain('a-1@1')
  })

  test('and led, says where the leader is when it has heard of it, and appends to it were in vain', async () => {
    await open(3, { electionMs: 20, staleMs: 20, changingMs: 20, restartMs: 20, commitTimeoutMs: 10_000 })
    node(0).pause()
    const waiting = of(0).batch('a-1', ['in vain'], 'noStream')
    await vi.waitUntil(() => cluster.leader !== 0)
    node(0).resume()
    expect(said(await waiting)).toMatch(/Timeout|UNAVAILABLE|CANCELLED|Not Ready/)
    await vi.waitUntil(() => node(0).role === 'follower')
    expect(said(await of(0).read({ stream: 'a-1' }))).toMatch(sentTo(cluster.leader ?? 0))
    expect(cluster.nodes.map((each) => each.events().filter(({ stream }) => stream === 'a-1'))).toEqual([[], [], []])
  })

  test('and led, ends its process when it has a tail that nobody else has, and stays away unless somebody starts it', async () => {
    await open(3, { electionMs: 20, staleMs: 20, changingMs: 20 }, { isSupervised: false })
    await of(0).batch('a-1', ['one'], 'noStream')
    for (const index of [1, 2]) node(index).lag(true)
    const inVain = of(0).batch('a-1', ['tail'], 0)
    await of(0).read({ stream: 'a-1' })
    node(0).pause()
    for (const index of [1, 2]) node(index).lag(false)
    await vi.waitUntil(() => cluster.leader !== 0)
    node(0).resume()
    expect(said(await inVain)).toMatch(/Timeout|UNAVAILABLE|CANCELLED/)
    await vi.waitUntil(() => node(0).role === 'down')
    expect(said(await of(0, false).read({ stream: 'a-1' }))).toContain('UNAVAILABLE')
    await node(0).start()
    expect(node(0).role).toBe('follower')
    expect(node(0).events()).toEqual(node(1).events())
    await vi.waitFor(async () =>
      expect(said(await of(0, false).read({ stream: 'a-1' }))).toBe('[{"event":"a-1@0","type":"T"},"end"]'),
    )
  })
})

describe('a cluster that elects', () => {
  // ClusterVNodeController.cs:318-322
  test('has a leader that reads already and takes no appends: Server Is Not Ready', async () => {
    await open(3, { lostMs: 20, preLeaderMs: NEVER_MS })
    cluster.lead(0)
    await of(0).batch('a-1', ['one'], 'noStream')
    node(0).stop()
    await vi.waitUntil(() => cluster.leader !== 0)
    const next = cluster.leader ?? 0
    expect(node(next).role).toBe('preLeader')
    expect(said(await of(next).read({ stream: 'a-1' }))).toMatch(EVENT)
    expect(said(await of(next).batch('a-1', ['two'], 0))).toMatch(NOT_READY)
    expect(said(await of(next).append('a-1', ['two'], 0))).toMatch(NOT_READY)
    expect(said(await of(next).remove('a-1', 'any'))).toMatch(NOT_READY)
  })

  test('has nobody who takes what requires the leader, until there is one', async () => {
    await open(3)
    await of(0).batch('a-1', ['one'], 'noStream')
    cluster.lead(undefined)
    for (const index of [0, 1]) {
      expect(said(await of(index).read({ stream: 'a-1' }))).toMatch(NOT_READY)
      expect(said(await of(index).batch('a-1', ['two'], 0))).toMatch(NOT_READY)
      expect(said(await of(index, false).read({ stream: 'a-1' }))).toMatch(EVENT)
    }
    cluster.lead(1)
    expect(said(await of(1).batch('a-1', ['two'], 0))).toContain('"revision":1')
    expect(said(await of(0).read({ stream: 'a-1' }))).toMatch(sentTo(1))
  })

  test('says so in gossip: each node what it knows itself', async () => {
    await open(3, { electionMs: 20 })
    node(0).pause()
    await vi.waitUntil(() => cluster.leader !== 0)
    node(0).resume()
    const { LEADER } = gossipMessages.MemberInfo.VNodeState
    const leadersOf = (index: number): Promise<readonly number[]> =>
      new Promise((resolve, reject) => {
        const client = new gossipServices.GossipClient(`127.0.0.1:${node(index).port}`, credentials.createInsecure())
        client.read(new sharedMessages.Empty(), (error, info) => {
          client.close()
          if (error) return reject(error)
          const leaders = info.getMembersList().filter((member) => member.getState() === LEADER)
          resolve(leaders.map((member) => member.getHttpEndPoint()?.getPort() ?? 0))
        })
      })
    expect(await leadersOf(0)).toEqual([node(0).port])
    expect(await leadersOf(1)).toEqual([node(cluster.leader ?? 0).port])
  })
})

describe('a new database', () => {
  test('has events of the server from the first start on', async () => {
    await open(1)
    const types = cluster.log.all.map(({ type }) => type)
    expect(types).toEqual(expect.arrayContaining(['$metadata', '$UserCreated', '$epoch-information']))
    expect(said(await of(0).read({}))).toContain('$user-admin@0')
  })

  // Release notes of 24.10.5
  test.each([
    ['24.2.0', '2^64-1'],
    ['24.10.4', '2^64-1'],
    ['24.10.5', '0'],
    ['25.0.1', '0'],
  ])('of a server %s has %s as the checkpoint of a subscription that found nothing', async (version, checkpoint) => {
    await open(1, {}, { version })
    const subscription = of(0).subscribe({ regex: '^a-', window: 256 })
    expect(known.named(await subscription.take(3))).toEqual([
      { confirmation: true },
      { checkpoint },
      { caughtUp: true },
    ])
    subscription.stop()
  })
})

test('a reader who is too slow for what is live falls behind, and catches up again without a loss', async () => {
  await open(1)
  const server = of(0)
  const subscription = server.subscribe({ regex: '^a-', from: 'end' })
  await subscription.take(2)
  subscription.pause()
  const data = JSON.stringify({ a: 'x'.repeat(1_000) })
  const appends = Array.from({ length: 8 }, (_, append) =>
    Array.from({ length: 200 }, (__, index) => ({ id: `${append}/${index}`, data })),
  )
  for (const [index, events] of appends.entries()) await server.batch(`a-${index}`, events, 'noStream')
  subscription.resume()
  const got = await subscription.take(appends.flat().length + 2)
  const kinds = got.flatMap((each) => (each === 'end' ? [] : Object.keys(each)[0]))
  expect(kinds.filter((kind) => kind === 'event').length).toBe(appends.flat().length)
  expect(kinds.filter((kind) => kind === 'fellBehind' || kind === 'caughtUp')).toEqual(['fellBehind', 'caughtUp'])
  subscription.stop()
})

test('a node whose process ended by kill -9 has what it answered', async () => {
  await open(1)
  await of(0).batch('a-1', ['one'], 'noStream')
  node(0).stop()
  await node(0).start()
  expect(said(await of(0).read({ stream: 'a-1' }))).toMatch(EVENT)
})
