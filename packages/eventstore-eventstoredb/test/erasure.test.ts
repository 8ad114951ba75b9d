import { randomBytes } from 'node:crypto'
import { END, EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { controls, rounds } from '../../../rounds.ts'
import { openEventStoreDBVault, type EventStoreDBVault } from '../src/index.ts'
import { type Fault, openProtocolCluster, type ProtocolCluster, type ProtocolNode } from '../src/testing/index.ts'

const masterKey = Buffer.alloc(32, 7)
const NAME = 'data-key/1'
const STREAM = `vault-key.${NAME}`
const REFUSED: Fault = { kind: 'notReady' }

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function openCluster(nodes: number): Promise<ProtocolCluster> {
  const cluster = await openProtocolCluster({ nodes })
  open.push(() => cluster.close())
  return cluster
}

async function openVault(cluster: ProtocolCluster, keys: readonly Buffer[] = [masterKey]): Promise<EventStoreDBVault> {
  const [first = masterKey, ...olderMasterKeys] = keys
  const vault = await openEventStoreDBVault({ url: cluster.url, masterKey: first, olderMasterKeys, attemptMs: 2_000 })
  open.push(() => vault.close())
  return vault
}

/** What the log has of a value, as each master key wrapped it: none of it may be left. */
const wrappedIn = (cluster: ProtocolCluster): readonly string[] =>
  cluster.log.all.flatMap(({ stream, type, data }) =>
    stream === STREAM && type === 'Kept' ? String(Object(JSON.parse(Buffer.from(data).toString()))['wrapped']) : [],
  )

/** Whether a node has any of it in its files. */
const has = (node: ProtocolNode, wrapped: readonly string[]): boolean => {
  const files = Buffer.concat(node.events().flatMap(({ data, metadata }) => [data, metadata]))
  return wrapped.some((each) => files.includes(each))
}

/** As version 0.1 destroyed: the last event of the stream is the key. @param steps of two that are done. */
async function destroyAsBefore(cluster: ProtocolCluster, steps: number, isHard = false): Promise<void> {
  const client = EventStoreDBClient.connectionString(cluster.url)
  const last = { direction: 'backwards', fromRevision: END, maxCount: 1 } as const
  for await (const { event } of client.readStream(STREAM, last)) {
    const { commit = 0n, prepare = 0n } = event?.position ?? {}
    const position = [commit, prepare].map((part) => String(part).padStart(20, '0')).join('.')
    await client.appendToStream('vault-destroyed', jsonEvent({ type: 'Destroyed', data: { name: NAME, position } }))
  }
  if (steps > 1) await (isHard ? client.tombstoneStream(STREAM) : client.deleteStream(STREAM))
  await client.dispose()
}

/** How a key came to its end, or did not. */
type Ending =
  | { readonly by: 'this'; readonly steps: number; readonly isAnswered: boolean }
  | { readonly by: 'before'; readonly steps: number; readonly isHard: boolean }

/**
 * Destroys, and is killed in the middle: after so many appends and deletes, pulses included, nothing is done any more, and the
 * last append that was done may not have been answered.
 */
async function destroyAndDie(cluster: ProtocolCluster, steps: number, isAnswered: boolean): Promise<void> {
  const victim = await openVault(cluster)
  let left = steps
  cluster.nodes.forEach(({ faults }) =>
    faults.decide((method) => {
      if (method !== 'append' && method !== 'delete') return undefined
      left -= 1
      if (left < 0) return REFUSED
      return left === 0 && !isAnswered && method === 'append' ? { kind: 'timeoutAfter' } : undefined
    }),
  )
  await victim.destroy(NAME).catch(() => undefined)
  await victim.close()
  cluster.nodes.forEach(({ faults }) => faults.clear())
}

/** Whether it came so far that somebody else carries it on; else whoever wanted it asks again. */
const isNoted = (cluster: ProtocolCluster): boolean => cluster.log.all.some(({ type }) => type === 'Destroyed')

const end = (cluster: ProtocolCluster, ending: Ending): Promise<void> =>
  ending.by === 'this'
    ? destroyAndDie(cluster, ending.steps, ending.isAnswered)
    : destroyAsBefore(cluster, ending.steps, ending.isHard)

/** A key in a cluster, which another master key may have wrapped before, and what of it must not be left. */
async function keep(nodes: number, rewraps = 0) {
  const cluster = await openCluster(nodes)
  const before = Buffer.alloc(32, 6)
  const vault = await openVault(cluster, rewraps === 0 ? [masterKey] : [before, masterKey])
  await vault.putIfAbsent(NAME, randomBytes(32))
  if (rewraps > 0) await vault.rewrap([masterKey, before])
  const wrapped = wrappedIn(cluster)
  expect(wrapped).toHaveLength(rewraps + 1)
  const having = () => cluster.nodes.filter((node) => has(node, wrapped)).map(({ port }) => `127.0.0.1:${port}`)
  return { cluster, vault, having }
}

describe('a destroyed key', () => {
  const endings: readonly Ending[] = [
    ...[1, 2, 3, 4, 5, 6].map((steps) => ({ by: 'this', steps, isAnswered: true }) as const),
    { by: 'before', steps: 1, isHard: false },
    { by: 'before', steps: 2, isHard: false },
    { by: 'before', steps: 2, isHard: true },
  ]
  it.each(endings)('is in no file after one scavenge, wherever its destruction was interrupted: %o', async (ending) => {
    const { cluster, vault, having } = await keep(1)
    await end(cluster, ending)
    if (!isNoted(cluster)) await vault.destroy(NAME)
    await vault.finishErasures()
    expect(await vault.get(NAME)).toBeUndefined()
    expect([having().length, (await vault.pendingErasures()).length]).toEqual([1, 1])
    await cluster.nodes[0]?.scavenge()
    expect([having(), await vault.pendingErasures()]).toEqual([[], []])
    if (ending.by === 'this' || !ending.isHard) {
      await vault.putIfAbsent(NAME, Buffer.from('another'))
      await vault.finishErasures()
      expect(Buffer.from((await vault.get(NAME)) ?? []).toString()).toBe('another')
    }
  })

  it('is pending as long as a node lags, although that node looks scavenged', async () => {
    const { cluster, vault } = await keep(3)
    cluster.nodes[2]?.lag(true)
    await vault.putIfAbsent('data-key/2', randomBytes(32))
    await vault.destroy('data-key/2')
    for (const node of cluster.nodes.slice(0, 2)) await node.scavenge()
    const host = `127.0.0.1:${cluster.nodes[2]?.port}`
    expect(await vault.pendingErasures()).toMatchObject([{ name: 'data-key/2', nodes: [host], behind: [host] }])
    cluster.nodes[2]?.lag(false)
    expect(await vault.pendingErasures()).toMatchObject([{ name: 'data-key/2', nodes: [host], behind: [] }])
    await cluster.nodes[2]?.scavenge()
    expect(await vault.pendingErasures()).toEqual([])
  })

  it('is looked for in every node of a cluster, also in those that are not in the URL', async () => {
    const { cluster, having } = await keep(3)
    const url = cluster.url.replace(/,[^?]*/, '')
    const vault = await openEventStoreDBVault({ url, masterKey })
    open.push(() => vault.close())
    await vault.destroy(NAME)
    expect((await vault.pendingErasures())[0]?.nodes).toEqual(having())
    await cluster.nodes[0]?.scavenge()
    expect((await vault.pendingErasures())[0]?.nodes).toEqual(having())
    expect(having()).toHaveLength(2)
  })

  it('is completed once: earlier destructions are not checked again at each start', async () => {
    const { cluster, vault } = await keep(1)
    await vault.destroy(NAME)
    await vault.finishErasures()
    const calls: string[] = []
    cluster.nodes[0]?.faults.decide((method) => void calls.push(method))
    await vault.finishErasures()
    expect(calls).toEqual(['read'])
  })

  it('was not destroyed in vain where a leader that was replaced, and does not know it, had it not yet', async () => {
    const limits = { staleMs: 100, electionMs: 20, preLeaderMs: 1, changingMs: 1, restartMs: 1 }
    const cluster = await openProtocolCluster({ nodes: 3, limits })
    open.push(() => cluster.close())
    const [first, ...others] = cluster.nodes
    const stale = await openVault(cluster)
    first?.pause()
    await vi.waitUntil(() => others.some(({ role }) => role === 'leader'))
    const url = cluster.url.replace(/127\.0\.0\.1:\d+,/, '')
    const vault = await openEventStoreDBVault({ url, masterKey })
    open.push(() => vault.close())
    await vault.putIfAbsent(NAME, randomBytes(32))
    first?.resume()
    await stale.destroy(NAME)
    expect(await vault.get(NAME)).toBeUndefined()
    await vi.waitUntil(() => first?.role === 'follower')
    expect(await vault.pendingErasures()).toMatchObject([{ name: NAME }])
  })

  const ending = fc.oneof(
    fc.record({ by: fc.constant('this' as const), steps: fc.integer({ min: 0, max: 7 }), isAnswered: fc.boolean() }),
    fc.record({ by: fc.constant('before' as const), steps: fc.integer({ min: 1, max: 2 }), isHard: fc.boolean() }),
  )
  const act = fc.oneof(
    { weight: 3, arbitrary: fc.record({ scavenge: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ lag: fc.boolean() }) },
  )
  const random = fc.record({
    ending,
    rewraps: fc.nat(1),
    isRepeated: fc.boolean(),
    before: fc.array(act, { maxLength: 3 }),
    between: fc.array(act, { maxLength: 3 }),
    after: fc.array(act, { maxLength: 6 }),
  })

  it('is never reported as gone while a node has it, and is gone in the end, with any kills and scavenges', async () => {
    await fc.assert(
      fc.asyncProperty(random, async ({ ending, rewraps, isRepeated, before, between, after }) => {
        const { cluster, vault, having } = await keep(3, rewraps)
        const last = cluster.nodes[2]
        let isBehind = false
        let isSaidGone = false // and a node that lagged then gets nothing of it later
        const perform = async (acts: readonly (typeof before)[number][]) => {
          for (const each of acts) {
            if ('lag' in each) last?.lag((isBehind = each.lag))
            else if (each.scavenge < 2 || !isBehind) await cluster.nodes[each.scavenge]?.scavenge()
          }
        }
        await perform(before)
        await end(cluster, ending)
        await perform(between)
        if (isRepeated || !isNoted(cluster)) await vault.destroy(NAME)
        for (const each of after) {
          await perform([each])
          const pending = (await vault.pendingErasures()).flatMap(({ nodes }) => nodes)
          for (const host of having()) expect(pending).toContain(host)
          if (isSaidGone) expect(having()).toEqual([])
          isSaidGone ||= pending.length === 0
        }
        last?.lag((isBehind = false))
        if (isSaidGone) expect(having()).toEqual([])
        for (let count = 0; count < 3 && (await vault.pendingErasures()).length > 0; count += 1)
          await perform([{ scavenge: 0 }, { scavenge: 1 }, { scavenge: 2 }])
        expect([await vault.pendingErasures(), having(), await vault.get(NAME)]).toEqual([[], [], undefined])
        for (const close of open.splice(0).reverse()) await close()
      }),
      { numRuns: rounds({ quick: 2, long: 150 }) },
    )
  })

  controls(() =>
    it('control: without its empty event it never goes', async () => {
      const { cluster, having } = await keep(1)
      await destroyAsBefore(cluster, 2)
      for (let count = 0; count < 3; count += 1) await cluster.nodes[0]?.scavenge()
      expect(having()).toHaveLength(1)
    }),
  )
})
