import gossipServices from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import gossipMessages from '@eventstore/db-client/generated/gossip_pb.js'
import featureServices from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import featureMessages from '@eventstore/db-client/generated/serverfeatures_pb.js'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import streamsServices from '@eventstore/db-client/generated/streams_grpc_pb.js'
import { Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js'
import { type Faults, faults, type FaultSource } from './faults.ts'
import { rpcError } from './messages.ts'
import { type ProtocolLog, protocolLog, type ProtocolLogOptions, type StoredEvent } from './protocol-log.ts'
import { serveBatchAppend, serveDelete, serveRead } from './serving.ts'

const HOST = '127.0.0.1'

/** One node that speaks EventStoreDB's protocol. */
export interface ProtocolNode {
  readonly port: number
  readonly faults: Faults
  /** Breaks every connection and takes none, until `start`. */
  stop(): void
  start(): Promise<void>
  /** Breaks every connection; new ones are taken at once. */
  cut(): Promise<void>
  /** Removes from the files of this node what is hidden. */
  scavenge(): void
}

/** Nodes over one log, of which one leads. */
export interface ProtocolCluster {
  /** What `LEDGATE_EVENTSTOREDB_URL` takes. */
  readonly url: string
  readonly log: ProtocolLog
  readonly nodes: readonly ProtocolNode[]
  /** Makes another node the leader; nobody while it is `undefined`. */
  lead(node: number | undefined): void
  close(): void
}

export interface ProtocolClusterOptions extends ProtocolLogOptions {
  /** How many; one node is a server without gossip. */
  readonly nodes?: number
  /** The port of the first node; any free one unless told. */
  readonly port?: number
}

/**
 * Servers with which the real client can talk, without a real EventStoreDB: `Read`, `BatchAppend` and `Delete` of `Streams`,
 * `Gossip` and `ServerFeatures` of `event_store.client`. What they do, and what they answer when they cannot, follows the sources of
 * KurrentDB (github.com/kurrent-io/KurrentDB) that are named beside each part; they keep their log in memory, and go wrong
 * when they are told to.
 */
export async function openProtocolCluster(options: ProtocolClusterOptions = {}): Promise<ProtocolCluster> {
  const log = protocolLog(options)
  const nodes: (ProtocolNode & { isUp(): boolean })[] = []
  let leader: number | undefined = 0
  const members = () => nodes.map(({ port, isUp }, index) => ({ port, isUp: isUp(), isLeader: index === leader }))
  for (let index = 0; index < (options.nodes ?? 1); index += 1) {
    const node = await openNode({
      log,
      members,
      isLeader: () => index === leader,
      port: index === 0 ? (options.port ?? 0) : 0,
    })
    nodes.push(node)
  }
  return {
    url: `esdb://${nodes.map(({ port }) => `${HOST}:${port}`).join(',')}?tls=false`,
    log,
    nodes,
    lead: (node) => void (leader = node),
    close: () => nodes.forEach((node) => node.stop()),
  }
}

interface Member {
  readonly port: number
  readonly isUp: boolean
  readonly isLeader: boolean
}

interface NodeParts {
  readonly log: ProtocolLog
  readonly port: number
  isLeader(): boolean
  members(): readonly Member[]
}

async function openNode(parts: NodeParts): Promise<ProtocolNode & { isUp(): boolean }> {
  const source = faults()
  const gone = new Set<StoredEvent>()
  let port = parts.port
  let running: { readonly server: Server; readonly over: AbortController } | undefined

  const start = async (): Promise<void> => {
    const over = new AbortController()
    const server = serverOf({ ...parts, faults: source, gone, over, cut: () => void cut() })
    port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`${HOST}:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    )
    running = { server, over }
  }
  const stop = (): void => {
    running?.over.abort()
    running?.server.forceShutdown()
    running = undefined
  }
  const cut = async (): Promise<void> => {
    stop()
    await start()
  }

  await start()
  return {
    get port() {
      return port
    },
    faults: source,
    scavenge: () => parts.log.hidden().forEach((event) => gone.add(event)),
    isUp: () => running !== undefined,
    start,
    stop,
    cut,
  }
}

function serverOf(
  parts: NodeParts & { faults: FaultSource; gone: ReadonlySet<StoredEvent>; over: AbortController; cut(): void },
): Server {
  const serving = {
    log: parts.log,
    faults: parts.faults,
    gone: parts.gone,
    isLeader: parts.isLeader,
    leader() {
      const found = parts.members().find(({ isLeader }) => isLeader)
      return found && { host: HOST, port: found.port }
    },
    cut: parts.cut,
    signal: parts.over.signal,
  }
  const unimplemented = (_: unknown, callback: (error: ServiceError) => void) =>
    callback(rpcError(status.UNIMPLEMENTED, 'not part of the protocol server'))
  const server = new Server()
  server.addService(streamsServices.StreamsService, {
    read: serveRead(serving),
    append: unimplemented,
    delete: serveDelete(serving),
    tombstone: unimplemented,
    batchAppend: serveBatchAppend(serving),
  })
  server.addService(gossipServices.GossipService, {
    read: (_: unknown, callback: (error: null, info: unknown) => void) => callback(null, gossip(parts.members())),
  })
  // ServerFeatures.cs. The client asks what there is before some of its commands; of what is here, none depends on it.
  server.addService(featureServices.ServerFeaturesService, {
    getSupportedMethods: (_: unknown, callback: (error: null, methods: unknown) => void) =>
      callback(null, new featureMessages.SupportedMethods().setEventStoreServerVersion('26.1.0')),
  })
  return server
}

/** Who is in the cluster, as one node sees it (Gossip.Read.cs). */
function gossip(members: readonly Member[]) {
  const { ClusterInfo, EndPoint, MemberInfo } = gossipMessages
  const { LEADER, FOLLOWER } = MemberInfo.VNodeState
  return new ClusterInfo().setMembersList(
    members.map(({ port, isUp, isLeader }) =>
      new MemberInfo()
        .setInstanceId(new sharedMessages.UUID().setString(crypto.randomUUID()))
        .setTimeStamp('0')
        .setState(isLeader ? LEADER : FOLLOWER)
        .setIsAlive(isUp)
        .setHttpEndPoint(new EndPoint().setAddress(HOST).setPort(port)),
    ),
  )
}
