import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openEventStoreDBLease, type Lease } from '../src/index.ts'
import { openProtocolCluster, type ProtocolCluster } from '../src/testing/index.ts'

const TTL_MS = 400
let cluster: ProtocolCluster
let leases: Lease[]
const open = (name = 'background') => {
  const lease = openEventStoreDBLease({ url: cluster.url, name, ttlMs: TTL_MS, onError: () => undefined })
  leases.push(lease)
  return lease
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !condition(); await pause(5)) if (Date.now() > end) throw new Error('in vain')
}

beforeEach(async () => {
  leases = []
  cluster = await openProtocolCluster()
})
afterEach(async () => {
  await Promise.all(leases.map((lease) => lease.close()))
  cluster.close()
  vi.restoreAllMocks()
})

describe('a lease', () => {
  test('is held by one process, and by the next as soon as it is released', async () => {
    const three = [open(), open(), open()]
    await until(() => three.some((lease) => lease.isHeld()))
    for (let look = 0; look < 40; look += 1) {
      expect(three.filter((lease) => lease.isHeld()).length).toBeLessThanOrEqual(1)
      await pause(20)
    }
    const holder = three.find((lease) => lease.isHeld())
    await holder?.close()
    await until(() => three.some((lease) => lease !== holder && lease.isHeld()))
    expect(three.filter((lease) => lease.isHeld()).length).toBe(1)
  })

  test('goes to another process when its holder cannot renew it, and the holder knows', async () => {
    const stopped = new AbortController()
    const first = open()
    await until(() => first.isHeld())
    let isWorking = false
    const working = first.whileHeld(stopped.signal, async (held) => {
      isWorking = true
      await new Promise<void>((resolve) => held.addEventListener('abort', () => resolve()))
      isWorking = false
    })
    await until(() => isWorking)
    cluster.nodes[0]?.faults.next('append', { kind: 'notReady' })
    await until(() => !isWorking)
    expect(first.isHeld()).toBe(false)
    cluster.nodes[0]?.faults.clear()
    await until(() => first.isHeld() && isWorking)
    stopped.abort()
    await working
  })

  test('that expired during its renewal ends the work of its holder', async () => {
    const now = performance.now.bind(performance)
    let asleep = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now() + asleep)
    const stopped = new AbortController()
    const lease = open()
    let begun = 0
    const working = lease.whileHeld(stopped.signal, async (held) => {
      begun += 1
      if (!held.aborted) await new Promise<void>((resolve) => held.addEventListener('abort', () => resolve()))
    })
    await until(() => begun === 1)
    // The machine sleeps between a renewal and its answer.
    const sleep = () => void (asleep ||= TTL_MS * 2)
    cluster.nodes[0]?.faults.decide((method) => (method === 'append' ? sleep() : undefined))
    await until(() => begun === 2)
    stopped.abort()
    await working
  })

  test('of a different name is independent', async () => {
    const [one, other] = [open('one'), open('other')]
    await until(() => one.isHeld() && other.isHeld())
  })
})
