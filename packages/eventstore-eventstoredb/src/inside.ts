import { finished } from 'node:stream'
import type { EventStoreDBClient } from '@eventstore/db-client'
import streamsServices, { type StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js'
import type { BatchAppendReq, BatchAppendResp, ReadReq } from '@eventstore/db-client/generated/streams_pb.js'
import type {
  CallOptions,
  ChannelOptions,
  Client,
  ClientDuplexStream,
  ClientReadableStream,
  Metadata,
} from '@grpc/grpc-js'
import { type ReadMessage, readMessage } from './read-response.ts'

/** A call that lives on. */
type LivingCall = ClientDuplexStream<BatchAppendReq, BatchAppendResp>

/** A service as the messages' generator makes it. */
type ServiceClass<Service extends Client> = new (...args: ConstructorParameters<typeof Client>) => Service

/** What a channel hides in its type. */
interface OpenChannel {
  readonly internalChannel?: { getOptions?(): ChannelOptions }
}

/** What the client keeps for its own commands, and hides in its types. */
interface Inside {
  createChannel(): Promise<OpenChannel>
  getGRPCClient<Service extends Client>(service: ServiceClass<Service>, name: string): Promise<Service>
  callArguments(options: { readonly requiresLeader: boolean }, call: CallOptions): [Metadata, CallOptions]
  handleError(service: Client, error: Error): Promise<void>
  /** What is cancelled when the client is disposed of. */
  readonly disposableStreams: Set<LivingCall>
}

/**
 * Bytes that a node may send before it hears that they were read. By itself it is 64 KiB, a hundred events: a node then waits
 * while a batch of them is applied, and over a long way it waits most of the time.
 */
const WINDOW = 4 * 1024 * 1024

/** Lets the nodes of a client send ahead. The client makes its channels by options that nobody may add to. */
export function sendingAhead(client: EventStoreDBClient): EventStoreDBClient {
  const inside = client as unknown as Inside
  const create = inside.createChannel
  inside.createChannel = async () => {
    const channel = await create()
    // It connects at the first call only.
    Object.assign(channel.internalChannel?.getOptions?.() ?? {}, { 'grpc-node.flow_control_window': WINDOW })
    return channel
  }
  return client
}

/** The generated service on the connection that the client has now. */
export interface Streams {
  readonly service: StreamsClient
  /** A `Read` call. Its messages are taken apart here: the generated code takes three times as long for it. */
  read(request: ReadReq): ClientReadableStream<ReadMessage>
  /** What a call is made with; it has no deadline of its own. */
  readonly call: readonly [Metadata, CallOptions]
  /** Lets the client learn from a failed call: who leads, or that the node is gone. */
  failed(error: Error): void
  /** Lets a call that lives on end with the client: as long as it is open, so is the process. */
  keep(call: LivingCall): void
}

/**
 * The `Streams` service by the client's own connection: it finds the node, and says who calls. Its commands are not used
 * for reading and appending: a read of theirs costs three times what the call does, and of their appends one kind waits
 * without an end, the other can be broken off in the middle.
 */
export async function streamsOf(client: EventStoreDBClient, requiresLeader = true): Promise<Streams> {
  const inside = client as unknown as Inside
  const service = await inside.getGRPCClient(streamsServices.StreamsClient, 'streams')
  const call = inside.callArguments({ requiresLeader }, { deadline: Infinity })
  const { path, requestSerialize } = streamsServices.StreamsService.read
  return {
    service,
    read: (request) => service.makeServerStreamRequest(path, requestSerialize, readMessage, request, ...call),
    call,
    failed: (error) => void inside.handleError(service, error),
    keep(call) {
      inside.disposableStreams.add(call)
      finished(call, () => inside.disposableStreams.delete(call))
    },
  }
}

/** Another service, for calls of one question and one answer; `call` makes what each of them is made with. */
export async function serviceOf<Service extends Client>(
  client: EventStoreDBClient,
  wanted: ServiceClass<Service>,
  name: string,
) {
  const inside = client as unknown as Inside
  const service = await inside.getGRPCClient(wanted, name)
  return {
    service,
    call: (options: CallOptions) => inside.callArguments({ requiresLeader: false }, options),
    failed: (error: Error) => void inside.handleError(service, error),
  }
}
