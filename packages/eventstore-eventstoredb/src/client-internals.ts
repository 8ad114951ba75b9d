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

/** A long-lived call. */
type LongCall = ClientDuplexStream<BatchAppendReq, BatchAppendResp>

/** A generated service class. */
type ServiceClass<Service extends Client> = new (...args: ConstructorParameters<typeof Client>) => Service

/** A part of a channel that its type does not declare. */
interface OpenChannel {
  readonly internalChannel?: { getOptions?(): ChannelOptions }
}

/** Private parts of the client, which its types do not declare. */
interface Inside {
  createChannel(): Promise<OpenChannel>
  getGRPCClient<Service extends Client>(service: ServiceClass<Service>, name: string): Promise<Service>
  callArguments(options: { readonly requiresLeader: boolean }, call: CallOptions): [Metadata, CallOptions]
  handleError(service: Client, error: Error): Promise<void>
  /** Calls that are cancelled when the client is disposed of. */
  readonly disposableStreams: Set<LongCall>
}

/**
 * Bytes that a node may send before they are acknowledged. The default is 64 KiB, a hundred events: a node then waits while a
 * batch of them is applied, and with a high latency it waits most of the time.
 */
const WINDOW = 4 * 1024 * 1024

/** Enlarges the flow control window of a client, which offers no option for it. */
export function sendingAhead(client: EventStoreDBClient): EventStoreDBClient {
  const inside = client as unknown as Inside
  const create = inside.createChannel
  inside.createChannel = async () => {
    const channel = await create()
    // The channel connects only at the first call, so the options still apply.
    Object.assign(channel.internalChannel?.getOptions?.() ?? {}, { 'grpc-node.flow_control_window': WINDOW })
    return channel
  }
  return client
}

/** The generated service on the current connection of the client. */
export interface Streams {
  readonly service: StreamsClient
  /** A `Read` call. Its messages are decoded by this package: the generated code takes three times as long. */
  read(request: ReadReq): ClientReadableStream<ReadMessage>
  /** The arguments of a call; they have no deadline. */
  readonly call: readonly [Metadata, CallOptions]
  /** Lets the client learn from a failed call: the new leader, or that the node is gone. */
  failed(error: Error): void
  /** Ends a long-lived call with the client; an open call keeps the process alive. */
  keep(call: LongCall): void
}

/**
 * The `Streams` service on the client's own connection, which finds the node and authenticates. The client's commands for
 * reads and appends are not used: a read costs three times as much, one kind of append waits endlessly, and the other can
 * be interrupted midway.
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

/** Another service, for unary calls; `call` creates the arguments of one. */
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
