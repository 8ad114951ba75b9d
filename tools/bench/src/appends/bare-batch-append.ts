/**
 * One `BatchAppend` call of the generated stub, nothing around it: the least an append over the network takes.
 * Argument: host and port.
 */
import { randomUUID } from 'node:crypto'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import streamsServices from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streamsMessages, { type BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js'
import { credentials } from '@grpc/grpc-js'
import { DATA, METADATA } from './payload.ts'
import { keepAppending, writeForParent } from './writing.ts'

const { BatchAppendReq } = streamsMessages
const { Empty, StreamIdentifier, UUID } = sharedMessages

const call = new streamsServices.StreamsClient(process.argv[2] ?? '', credentials.createInsecure()).batchAppend()
const waiting = new Map<string, () => void>()
call.on('data', (response: BatchAppendResp) => waiting.get(response.getCorrelationId()?.getString() ?? '')?.())

const uuid = (id: string) => new UUID().setString(id)

function append(): Promise<void> {
  const [id, stream] = [randomUUID(), `bench-${randomUUID()}`]
  const message = new BatchAppendReq.ProposedMessage()
    .setId(uuid(randomUUID()))
    .setData(Buffer.from(JSON.stringify(DATA)))
    .setCustomMetadata(Buffer.from(JSON.stringify(METADATA)))
  message.getMetadataMap().set('type', 'TokenIssued').set('content-type', 'application/json')
  const identifier = new StreamIdentifier().setStreamName(Buffer.from(stream).toString('base64'))
  const request = new BatchAppendReq()
    .setCorrelationId(uuid(id))
    .setOptions(new BatchAppendReq.Options().setStreamIdentifier(identifier).setNoStream(new Empty()))
    .setProposedMessagesList([message])
    .setIsFinal(true)
  return new Promise((resolve) => {
    waiting.set(id, () => {
      waiting.delete(id)
      resolve()
    })
    call.write(request)
  })
}

writeForParent((order) => keepAppending(order, append))
