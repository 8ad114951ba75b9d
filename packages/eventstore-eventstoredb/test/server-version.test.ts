import { expect, onTestFinished, test } from 'vitest'
import gossipServices from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import featureServices from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { assertSupportedServers, isSupported } from '../src/server-version.ts'
import { clusterInfo } from '../src/testing/gossip.ts'
import { openProtocolCluster } from '../src/testing/index.ts'
import { supportedMethods } from '../src/testing/server-features.ts'

async function cluster(version: string | readonly string[], nodes = 1) {
  const opened = await openProtocolCluster({ version, nodes })
  onTestFinished(() => opened.close())
  return opened
}

test.each(['24.2.0', '24.2', '24.2.1', '24.10.4', '25.0.1.1547', 'v24.6.0-rc1', '26.1.0+abc', '100.0.0'])(
  'a server of version %s is accepted',
  async (version) => {
    expect(isSupported(version)).toBe(true)
    await assertSupportedServers({ url: (await cluster(version)).url })
  },
)

test.each(['23.10.99', '24.1.9', '22.10.0', '5.0.11', '20.6.1', '0.0.0.0', '', 'unknown', '24', 'x24.2.0'])(
  'a server of version "%s" is refused with its name',
  async (version) => {
    expect(isSupported(version)).toBe(false)
    const refusal = assertSupportedServers({ url: (await cluster(version)).url })
    await expect(refusal).rejects.toThrow(`EventStoreDB ${version}, 24.2.0 or newer is needed`)
    await expect(refusal).rejects.toThrow('LEDGATE_EVENTSTOREDB_URL')
  },
)

test('every node of a cluster is checked, and one that does not answer does not matter', async () => {
  const mixed = await cluster(['24.2.0', '25.0.0', '23.10.6'], 3)
  const old = `127.0.0.1:${mixed.nodes[2]?.port} is EventStoreDB 23.10.6`
  await expect(assertSupportedServers({ url: mixed.url })).rejects.toThrow(old)
  const three = await cluster('24.2.0', 3)
  three.nodes[2]?.stop()
  await assertSupportedServers({ url: three.url })
})

test('no answer from any node is reported as such', async () => {
  const nobody = { url: 'esdb://ops:hunter2@127.0.0.1:1?tls=false', attemptMs: 200 }
  const refusal = assertSupportedServers(nobody)
  await expect(refusal).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  await expect(refusal).rejects.not.toThrow('hunter2')
})

test('a node may report an IPv6 address', async () => {
  const always = (answer: unknown): UntypedServiceImplementation[string] => {
    return (_: unknown, callback: (error: null, answer: unknown) => void) => callback(null, answer)
  }
  const server = new Server()
  onTestFinished(() => server.forceShutdown())
  const member = { host: '::1', port: 1, role: 'leader', instance: crypto.randomUUID() } as const
  server.addService(gossipServices.GossipService, { read: always(clusterInfo([member])) })
  server.addService(featureServices.ServerFeaturesService, { getSupportedMethods: always(supportedMethods('24.2.0')) })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  await assertSupportedServers({ url: `esdb://127.0.0.1:${port}?tls=false`, attemptMs: 1_000 })
})
