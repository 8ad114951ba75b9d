import gossipServices from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import featureServices from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import streamsServices from '@eventstore/db-client/generated/streams_grpc_pb.js'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { serveAppend, serveBatchAppend } from './append-service.ts'
import type { Cluster } from './cluster.ts'
import { serveDelete, serveTombstone } from './delete-service.ts'
import { type Faults, faults } from './faults.ts'
import { clusterInfo } from './gossip.ts'
import { isLeading, type Member, type Role } from './member.ts'
import { type ReadMessage, serveRead } from './read-service.ts'
import { hasFalseCheckpoint, supportedMethods } from './server-features.ts'
import type { Endpoint, Serving } from './serving.ts'
import type { StoredEvent } from './stored-event.ts'
import { type Users, userService } from './users.ts'

export const HOST = '127.0.0.1'
/** What a real server takes in one message. */
const MOST_BYTES = 17 * 1024 * 1024

/** One node that speaks EventStoreDB's protocol. */
export interface ProtocolNode {
  readonly port: number
  readonly faults: Faults
  readonly role: Role
  /** Ends its process, as by `kill -9`, until `start`; what it has written, it keeps. */
  stop(): void
  start(): Promise<void>
  /** Breaks every connection; new ones are taken at once. */
  cut(): Promise<void>
  /** Lies still, as by SIGSTOP: calls to it wait, it hears nothing and does nothing. */
  pause(): void
  /** Goes on, and does what it was asked meanwhile. */
  resume(): void
  /** Whether it gets nothing more from the leader, and says nothing of it. */
  lag(lags: boolean): void
  /** Removes from the files of this node what may go by the scavenge point that it uses. */
  scavenge(): Promise<void>
  /** Every event that this node gives to readers of the whole log. */
  events(): readonly StoredEvent[]
}

/** Every event that a node gives to readers of the whole log. */
export const eventsOf = (member: Member | undefined): readonly StoredEvent[] =>
  member === undefined
    ? []
    : member.log.records
        .slice(0, member.committed)
        .flatMap(({ event }) => (event === undefined || member.gone.has(event) ? [] : event))

/** A server of users: they say who they are by TLS alone. */
export interface Secured {
  readonly users: Users
  readonly cert: string
  readonly key: string
}

export interface NodeParts {
  readonly model: Cluster
  readonly member: Member
  readonly version: string
  readonly port: number
  /** Who may sign in, and the certificate by which it speaks TLS. */
  readonly secured: Secured | undefined
  readonly nodes: ReadonlyMap<Member, ServedNode>
  /** Whether it tells of no other node. */
  readonly gossipsAlone: boolean
}

export interface ServedNode extends ProtocolNode {
  readonly instance: string
  close(): void
}

/** Serves one node of a cluster, on a port of its own. */
export async function openNode({
  model,
  member,
  version,
  port: wanted,
  nodes,
  gossipsAlone,
  secured,
}: NodeParts): Promise<ServedNode> {
  const source = faults()
  const instance = crypto.randomUUID()
  let port = wanted
  let running: { readonly server: Server; readonly over: AbortController } | undefined

  const listen = async (): Promise<void> => {
    const over = new AbortController()
    const server = serverOf(
      {
        member,
        cluster: model,
        faults: source,
        users: secured?.users,
        hasFalseCheckpoint: hasFalseCheckpoint(version),
        endpoint: (other) => endpointOf(nodes.get(other)),
        cut: () => void cut(),
        signal: over.signal,
      },
      version,
      () =>
        [...nodes]
          .filter(([other]) => !gossipsAlone || other === member)
          .map(([other, node]) => ({
            host: HOST,
            port: node.port,
            role: roleSeenBy(member, other),
            instance: node.instance,
          })),
    )
    port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`${HOST}:${port}`, credentialsOf(secured), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    )
    running = { server, over }
  }
  const close = (): void => {
    running?.over.abort()
    running?.server.forceShutdown()
    running = undefined
  }
  const cut = async (): Promise<void> => {
    if (member.role === 'down') return
    close()
    await listen()
    if (isDown()) close() // its process ended meanwhile
  }
  const isDown = (): boolean => member.role === 'down'
  let starting: Promise<void> | undefined
  const start = async (): Promise<void> => {
    if (!isDown()) return
    await listen()
    model.started(member)
  }

  await listen()
  return {
    get port() {
      return port
    },
    get role() {
      return member.role
    },
    instance,
    faults: source,
    start: () => (starting ??= start().finally(() => (starting = undefined))),
    stop() {
      close()
      model.ended(member)
    },
    cut,
    pause: () => model.pause(member),
    resume: () => model.resume(member),
    lag: (lags) => model.lag(member, lags),
    scavenge: () => model.scavenge(member),
    events: () => eventsOf(member),
    close,
  }
}

const { StreamsService } = streamsServices
const STREAMS = {
  ...StreamsService,
  read: {
    ...StreamsService.read,
    responseSerialize: (message: ReadMessage) =>
      Buffer.isBuffer(message) ? message : StreamsService.read.responseSerialize(message),
  },
}

/** A leader whom a node does not follow is one among others to it. */
const roleSeenBy = (member: Member, other: Member): Role =>
  isLeading(other) && other !== member && other !== member.leader ? 'follower' : other.role

const endpointOf = (node: ProtocolNode | undefined): Endpoint | undefined => node && { host: HOST, port: node.port }

const credentialsOf = (secured: Secured | undefined): ServerCredentials =>
  secured === undefined
    ? ServerCredentials.createInsecure()
    : ServerCredentials.createSsl(null, [
        { cert_chain: Buffer.from(secured.cert), private_key: Buffer.from(secured.key) },
      ])

function serverOf(serving: Serving, version: string, members: () => Parameters<typeof clusterInfo>[0]): Server {
  const server = new Server({ 'grpc.max_receive_message_length': MOST_BYTES })
  server.addService(STREAMS, {
    read: serveRead(serving),
    append: serveAppend(serving),
    delete: serveDelete(serving),
    tombstone: serveTombstone(serving),
    batchAppend: serveBatchAppend(serving),
  })
  const whenAwake =
    <Response>(response: () => Response) =>
    (_: unknown, callback: (error: null, response: Response) => void): void =>
      serving.member.whenAwake(() => callback(null, response()))
  server.addService(gossipServices.GossipService, { read: whenAwake(() => clusterInfo(members())) })
  const { service, ...users } = userService(serving.users)
  server.addService(service, users)
  server.addService(featureServices.ServerFeaturesService, {
    getSupportedMethods: whenAwake(() => supportedMethods(version)),
  })
  return server
}
