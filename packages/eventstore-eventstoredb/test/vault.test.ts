import { randomBytes } from 'node:crypto'
import { runDecision } from '@ledgate/eventsourcing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openEventStoreDBEventStore, openEventStoreDBVault, type EventStoreDBVault } from '../src/index.ts'
import { openProtocolCluster, type ProtocolCluster } from '../src/testing/index.ts'

const masterKey = Buffer.alloc(32, 7)
/** For a try that has to be answered in time, on a machine that is busy. */
const ATTEMPT_MS = 2_000
const IMPATIENT_MS = 250
let cluster: ProtocolCluster
let vault: EventStoreDBVault
const open = (key: Uint8Array = masterKey) =>
  openEventStoreDBVault({ url: cluster.url, masterKey: key, attemptMs: ATTEMPT_MS })
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

beforeEach(async () => {
  cluster = await openProtocolCluster()
  vault = await open()
})
afterEach(async () => {
  await vault.close()
  cluster.close()
})

describe('a vault in EventStoreDB', () => {
  test('keeps the first of many concurrent values, and returns it to all processes', async () => {
    const other = await open()
    const puts = Array.from({ length: 32 }, (_, index) => (index % 2 ? vault : other).putIfAbsent('a', randomBytes(32)))
    const kept = await Promise.all(puts)
    expect(new Set(kept.map(hex)).size).toBe(1)
    expect(hex(await other.get('a'))).toBe(hex(kept[0]))
    expect(await vault.get('b')).toBeUndefined()
    await other.close()
  })

  test('forgets a destroyed value, and allows its name to be reused', async () => {
    await vault.putIfAbsent('a', Buffer.from('one'))
    await vault.destroy('a')
    await vault.destroy('a')
    expect(await vault.get('a')).toBeUndefined()
    expect(hex(await vault.putIfAbsent('a', Buffer.from('two')))).toBe(hex(Buffer.from('two')))
    expect(hex(await vault.get('a'))).toBe(hex(Buffer.from('two')))
  })

  test('reports which nodes were not scavenged since a destruction', async () => {
    const three = await openProtocolCluster({ nodes: 3 })
    const own = await openEventStoreDBVault({ url: three.url, masterKey, attemptMs: ATTEMPT_MS })
    const hosts = three.nodes.map(({ port }) => `127.0.0.1:${port}`)
    for (const name of ['data-key/1', 'data-key/2']) await own.putIfAbsent(name, randomBytes(32))
    expect(await own.pendingErasures()).toEqual([])
    await own.destroy('data-key/1')
    expect(await own.pendingErasures()).toMatchObject([{ name: 'data-key/1', nodes: hosts }])
    await three.nodes[0]?.scavenge()
    await three.nodes[2]?.scavenge()
    expect(await own.pendingErasures()).toMatchObject([{ name: 'data-key/1', nodes: [hosts[1]] }])
    three.nodes[1]?.stop()
    await expect(own.pendingErasures()).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    await three.nodes[1]?.start()
    await three.nodes[1]?.scavenge()
    expect(await own.pendingErasures()).toEqual([])
    expect(await own.get('data-key/2')).toBeDefined()
    await own.close()
    three.close()
  })

  test('leaves no byte of a destroyed value in a node that was scavenged since, and allows its name to be reused', async () => {
    const [node] = cluster.nodes
    await vault.putIfAbsent('a', randomBytes(32))
    const kept = cluster.log.own.find(({ stream }) => stream === 'vault-key.a')?.data
    const isInFiles = () =>
      Buffer.concat(node?.events().map(({ data }) => data) ?? []).includes(Buffer.from(kept ?? []))
    await vault.destroy('a')
    expect([isInFiles(), (await vault.pendingErasures()).length]).toEqual([true, 1])
    await node?.scavenge()
    expect([isInFiles(), await vault.pendingErasures()]).toEqual([false, []])
    expect(hex(await vault.putIfAbsent('a', Buffer.from('two')))).toBe(hex(Buffer.from('two')))
  })

  test('completes an interrupted destruction, and the name can be reused', async () => {
    for (const name of ['put', 'destroyed']) {
      await vault.putIfAbsent(name, Buffer.from('one'))
      cluster.nodes[0]?.faults.next('delete', { kind: 'notReady' })
      await expect(vault.destroy(name)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
      cluster.nodes[0]?.faults.clear()
      expect(await vault.get(name)).toBeUndefined()
      expect(await vault.rewrap([masterKey])).toBe(0)
      if (name === 'destroyed') await vault.destroy(name)
      expect(hex(await vault.putIfAbsent(name, Buffer.from('two')))).toBe(hex(Buffer.from('two')))
      expect(hex(await vault.get(name))).toBe(hex(Buffer.from('two')))
    }
  })

  test('refuses a different master key with a message that names the setting', async () => {
    await expect(open(Buffer.alloc(32, 8))).rejects.toThrow(/LEDGATE_MASTER_KEY is not the key/)
  })

  test('is rewrapped with a new master key during reads, and destroyed values stay destroyed', async () => {
    const NEW = Buffer.alloc(32, 8)
    const names = Array.from({ length: 40 }, (_, index) => `key-${index}`)
    const kept = await Promise.all(names.map((name) => vault.putIfAbsent(name, randomBytes(32))))
    await vault.destroy('key-3')
    const other = await openEventStoreDBVault({ url: cluster.url, masterKey, olderMasterKeys: [NEW], attemptMs: 1000 })
    expect(await vault.rewrap([NEW, masterKey])).toBe(40) // 39, and the check
    expect(await vault.rewrap([NEW])).toBe(0)
    for (const [index, name] of names.entries()) {
      const wanted = name === 'key-3' ? undefined : hex(kept[index])
      expect([hex(await vault.get(name)), hex(await other.get(name))]).toEqual([wanted, wanted])
    }
    await other.close()
    await expect(open()).rejects.toThrow(/LEDGATE_MASTER_KEY is not the key/)
    await (await open(NEW)).close()
  })

  test('counts each rewrapped value, also when it has to change to another node', async () => {
    const NEW = Buffer.alloc(32, 8)
    const three = await openProtocolCluster({ nodes: 3 })
    const own = await openEventStoreDBVault({ url: three.url, masterKey, attemptMs: ATTEMPT_MS })
    for (const name of ['a', 'b', 'c', 'd']) await own.putIfAbsent(name, randomBytes(32))
    let reads = 0
    const isWrapped = () => three.log.own.filter(({ stream }) => stream === 'vault-key.b').length === 2
    const [leader] = three.nodes
    leader?.faults.decide((method) =>
      method === 'read' && isWrapped() && (reads += 1) === 1 ? { kind: 'cut' } : undefined,
    )
    expect(await runDecision(() => own.rewrap([NEW, masterKey]))).toBe(5) // and the check
    expect(reads).toBeGreaterThan(1)
    await own.close()
    three.close()
  })

  test('stores no plaintext', async () => {
    const secret = randomBytes(32)
    await vault.putIfAbsent('a', secret)
    const everything = Buffer.concat(cluster.log.all.flatMap((event) => [event.data, event.metadata]))
    for (const form of [secret, secret.toString('hex'), secret.toString('base64'), secret.toString('base64url')])
      expect(everything.includes(form)).toBe(false)
    expect(everything.toString()).toContain('wrapped') // else nothing was looked at
  })

  test('is not a part of the log', async () => {
    const store = openEventStoreDBEventStore({ url: cluster.url })
    await vault.putIfAbsent('a', randomBytes(32))
    await vault.destroy('a')
    for await (const _ of store.readAll()) expect.unreachable()
    for await (const message of store.subscribe()) {
      expect(message.kind).not.toBe('event')
      if (message.kind === 'caughtUp') break
    }
    expect(await store.head()).toBe('')
    await store.close()
  })

  test('reports when it is unavailable, and keeps one value, when calls fail', async () => {
    const [node] = cluster.nodes
    node?.faults.next('append', { kind: 'lost' }, 1)
    const bytes = randomBytes(32)
    expect(hex(await vault.putIfAbsent('a', bytes))).toBe(hex(bytes))
    const impatient = await openEventStoreDBVault({ url: cluster.url, masterKey, attemptMs: IMPATIENT_MS })
    node?.faults.next('read', { kind: 'silent' })
    await expect(impatient.get('a')).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    node?.faults.clear()
    await impatient.close()
    expect(hex(await vault.get('a'))).toBe(hex(bytes))
  })
})
