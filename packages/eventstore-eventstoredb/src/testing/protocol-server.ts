import { loopbackCertificate } from './certificate.ts'
import { cluster } from './cluster.ts'
import { type Limits, limitsOf } from './limits.ts'
import type { Member } from './member.ts'
import { eventsOf, HOST, openNode, type ProtocolNode, type ServedNode } from './protocol-node.ts'
import type { StoredEvent } from './stored-event.ts'
import { timers } from './timers.ts'
import { readersSee } from './transaction-log.ts'

/** What a majority has. */
export interface ProtocolLog {
  /** Every event, those of the server included, in order. */
  readonly all: readonly StoredEvent[]
  /** Those that clients wrote. */
  readonly own: readonly StoredEvent[]
  /** What readers of the stream see, oldest first; `undefined` when it does not exist. */
  stream(name: string): readonly StoredEvent[] | undefined
}

/** Nodes that replicate one log, of which one leads. */
export interface ProtocolCluster {
  /** What `LEDGATE_EVENTSTOREDB_URL` takes. */
  readonly url: string
  /** The certificate, in PEM, by which its nodes speak TLS; it vouches for itself. */
  readonly cert: string | undefined
  readonly log: ProtocolLog
  readonly nodes: readonly ProtocolNode[]
  /** Which node a majority follows. */
  readonly leader: number | undefined
  /** Makes another node the leader; nobody while it is `undefined`. */
  lead(node: number | undefined): void
  close(): void
}

export interface ProtocolClusterOptions {
  /** How many; one node is a server without gossip. */
  readonly nodes?: number
  /** The port of the first node; any free one unless told. */
  readonly port?: number
  /** `false`: every append is written, whatever it expects. No server does that; a test that passes with it is blind. */
  readonly judges?: boolean
  /** As a server says it, or each of them in turn; 24.2.0 unless told. */
  readonly version?: string | readonly string[]
  /** Milliseconds that a commit takes; none unless told. */
  readonly commitMs?: number
  /** What the time limits of a real cluster are multiplied by. */
  readonly timeScale?: number
  readonly limits?: Partial<Limits>
  /** Who may sign in, by TLS; nobody is asked unless told. `admin` is of the group `$admins`. */
  readonly users?: Readonly<Record<string, { readonly password: string; readonly groups?: readonly string[] }>>
  /**
   * Whether each node tells of itself alone, so that whoever asks it believes without a proof that it leads. No node of a cluster
   * does that; a test that passes with it is blind.
   */
  readonly gossipsAlone?: boolean
  /** Whether a node that ends its process is started again; it is unless told. */
  readonly isSupervised?: boolean
}

/**
 * Servers with which the real client can talk, without a real EventStoreDB: `Streams`, `Gossip` and `ServerFeatures` of
 * `event_store.client`. They answer as a real server 24.2.0 was seen to answer (test/answers), and what no single answer shows
 * follows its sources (github.com/EventStore/EventStore, github.com/kurrent-io/KurrentDB), which are named beside each part.
 * They keep their log in memory, and go wrong when they are told to.
 */
export async function openProtocolCluster(options: ProtocolClusterOptions = {}): Promise<ProtocolCluster> {
  const clock = timers()
  const limits = limitsOf(options.timeScale, options.limits)
  const nodes = new Map<Member, ServedNode>()
  const model = cluster({
    nodes: options.nodes ?? 1,
    limits,
    timers: clock,
    judges: options.judges ?? true,
    commitMs: options.commitMs ?? 0,
    end(member) {
      nodes.get(member)?.stop()
      if (options.isSupervised ?? true) clock.after(limits.restartMs, () => void nodes.get(member)?.start())
    },
  })
  const secured = options.users && {
    ...loopbackCertificate(),
    users: new Map(Object.entries(options.users).map(([name, user]) => [name, { groups: [], ...user }])),
  }
  const versions = [options.version ?? '24.2.0'].flat()
  const { gossipsAlone = false } = options
  for (const [index, member] of model.members.entries()) {
    const port = index === 0 ? (options.port ?? 0) : 0
    const version = versions[index % versions.length] ?? ''
    nodes.set(member, await openNode({ model, member, version, port, nodes, gossipsAlone, secured }))
  }
  const served = [...nodes.values()]
  const readable = (): Member | undefined =>
    model.leader ?? model.members.toSorted((left, right) => right.committed - left.committed)[0]
  const all = (): readonly StoredEvent[] => eventsOf(readable())
  return {
    url: `esdb://${served.map(({ port }) => `${HOST}:${port}`).join(',')}?tls=${secured !== undefined}`,
    cert: secured?.cert,
    log: {
      get all() {
        return all()
      },
      get own() {
        return all().filter(({ stream }) => !stream.startsWith('$'))
      },
      stream(name) {
        const from = readable()
        const seen = from && readersSee(from.log, name, from.committed, from.gone)
        return seen === 'tombstone' ? undefined : seen
      },
    },
    nodes: served,
    get leader() {
      const index = model.leader ? model.members.indexOf(model.leader) : -1
      return index < 0 ? undefined : index
    },
    lead: (node) => model.lead(node === undefined ? undefined : model.members[node]),
    close() {
      clock.clear()
      served.forEach((node) => node.close())
    },
  }
}
