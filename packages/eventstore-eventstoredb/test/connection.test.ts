import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listen, sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { expect, onTestFinished, test } from 'vitest'
import { openEventStoreDBEventStore } from '../src/index.ts'
import { openProtocolCluster } from '../src/testing/index.ts'

test('replacing a certificate file does not interrupt a running store', async () => {
  const cluster = await openProtocolCluster({ users: { ops: { password: 'p', groups: ['$admins'] } } })
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-certificate-'))
  const [file, aside] = [join(folder, 'ca.pem'), join(folder, 'aside.pem')]
  writeFileSync(file, cluster.cert ?? '')
  const [node] = cluster.nodes
  const url = `esdb://ops:p@127.0.0.1:${node?.port}?tls=true&tlsCAFile=${encodeURIComponent(file)}`
  const store = openEventStoreDBEventStore({ url, attemptMs: 500 })
  onTestFinished(async () => {
    await store.close()
    cluster.close()
    rmSync(folder, { recursive: true })
  })
  const failures: unknown[] = []
  const listener = listen(store, { onFailure: (error) => failures.push(error) })
  await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
  renameSync(file, aside)
  node?.faults.next('append', { kind: 'notReady' }, 1)
  await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
  node?.faults.next('subscribe', { kind: 'notReady' }, 1)
  await node?.cut()
  await listener.until(() => failures.length > 1)
  await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
  await listener.until(({ events }) => events().length === 3)
  await listener.stop()
})

test('a node sends megabytes ahead of the reader, with a high latency and while a batch is applied', async () => {
  const node = createServer()
  await once(node.listen(0, '127.0.0.1'), 'listening')
  const { port } = node.address() as AddressInfo
  const store = openEventStoreDBEventStore({ url: `esdb://127.0.0.1:${port}?tls=false`, attemptMs: 100 })
  onTestFinished(async () => {
    await store.close()
    node.close()
  })
  const asking = store.head().catch(() => undefined)
  const [session] = (await once(node, 'session')) as [ServerHttp2Session]
  await once(session, 'remoteSettings')
  expect(session.remoteSettings.initialWindowSize).toBe(4 * 1024 * 1024)
  // The window of the connection bounds what all its calls have under way.
  await expect.poll(() => session.state.remoteWindowSize).toBe(4 * 1024 * 1024)
  session.destroy()
  await asking
})
