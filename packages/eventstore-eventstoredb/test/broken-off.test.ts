import { setTimeout as pause } from 'node:timers/promises'
import streamsServices from '@eventstore/db-client/generated/streams_grpc_pb.js'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import streamsMessages from '@eventstore/db-client/generated/streams_pb.js'
import { credentials } from '@grpc/grpc-js'
import { sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { expect, test } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { openEventStoreDBEventStore } from '../src/index.ts'
import { openProtocolCluster } from '../src/testing/index.ts'

const { BatchAppendReq } = streamsMessages
const uuid = () => new sharedMessages.UUID().setString(crypto.randomUUID())

test('an append whose last message never arrives is not written, not even in part', async () => {
  const cluster = await openProtocolCluster()
  const address = `127.0.0.1:${cluster.nodes[0]?.port}`
  for (const end of ['cancel', 'end'] as const) {
    const client = new streamsServices.StreamsClient(address, credentials.createInsecure())
    const call = client.batchAppend().on('error', () => undefined)
    const stream = new sharedMessages.StreamIdentifier().setStreamName(Buffer.from(end).toString('base64'))
    call.write(
      new BatchAppendReq()
        .setCorrelationId(uuid())
        .setOptions(new BatchAppendReq.Options().setStreamIdentifier(stream).setAny(new sharedMessages.Empty()))
        .setProposedMessagesList([new BatchAppendReq.ProposedMessage().setId(uuid())]),
    )
    await pause(50)
    call[end]()
    await pause(50)
    client.close()
  }
  expect(cluster.log.own).toEqual([])
  cluster.close()
})

test('appends whose client disconnects midway are in the log completely or not at all', async () => {
  const cluster = await openProtocolCluster()
  const names: string[] = []
  let whole = 0
  for (let round = 0; round < rounds({ quick: 20, long: 200 }); round += 1) {
    const store = openEventStoreDBEventStore({ url: cluster.url, attemptMs: 1 + (round % 5) })
    const appends = Array.from({ length: 8 }, () => {
      const stream = sampleStream()
      names.push(stream)
      return store.append(stream, sampleEvents(5), { expected: 'noStream' })
    })
    await pause(round % 7)
    await Promise.allSettled([...appends, store.close()])
  }
  for (const name of names) {
    const events = cluster.log.stream(name) ?? []
    expect([0, 5]).toContain(events.length)
    if (events.length === 5) whole += 1
  }
  expect(whole).toBeGreaterThan(0)
  cluster.close()
})
