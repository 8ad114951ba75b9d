import { InvalidPosition, type Position } from '@ledgate/eventsourcing'
import { type Connection, type ConnectionOptions, openConnection } from './connection.ts'
import { namedHosts, namedNodes, nodeUrl } from './connection-string.ts'
import { type Destroyed, destroyedNotes, finishErasures, streamOf } from './erasure.ts'
import { membersSeenBy } from './members.ts'
import { allRequest } from './read-request.ts'
import { readFrom } from './reading.ts'
import { recordedEvent } from './recorded.ts'

/** A destroyed value whose bytes are, or may be, still in the files of some nodes. */
export interface PendingErasure {
  readonly name: string
  /** The hosts and ports of the nodes that have the bytes, including those that lag. */
  readonly nodes: readonly string[]
  /** Those that have not reached this position of the log: whether they will get the bytes is unknown. */
  readonly behind: readonly string[]
  /** Milliseconds since the epoch. */
  readonly destroyed: number
}

type Has = 'has' | 'hasNot' | 'behind'

/** Positions of the log that one node is asked about concurrently. */
const AT_ONCE = 16

/** The nodes to ask, by host and port: those of the gossip, and those of the URL, which may have left the cluster. */
async function nodesOf(connection: Connection, url: string): Promise<readonly string[]> {
  const named = namedNodes(url)
  const members = await membersSeenBy(connection)
  // A single node may report an address that is not reachable from here.
  return members.length > 1 ? [...new Set([...members, ...named])] : named
}

/** The destroyed values that may be in the files of a node. @throws {Unavailable} when one of the nodes does not answer. */
export async function pendingErasures(
  connection: Connection,
  { url, attemptMs }: Pick<ConnectionOptions, 'url' | 'attemptMs'>,
): Promise<readonly PendingErasure[]> {
  await finishErasures(connection, { isProof: true })
  const notes = await destroyedNotes(connection)
  const hosts = await nodesOf(connection, url)
  const asked = await Promise.all(
    (hosts.length === 0 ? [undefined] : hosts).map((host) =>
      askNode({ url: host === undefined ? url : nodeUrl(url, host), attemptMs }, notes).then((having) => ({
        host: host ?? namedHosts(url)[0] ?? '',
        having,
      })),
    ),
  )
  return notes.flatMap((note, index) => {
    const that = (wanted: (has: Has | undefined) => boolean) =>
      asked.flatMap(({ host, having }) => (wanted(having[index]) ? host : []))
    const nodes = that((has) => has !== 'hasNot')
    const behind = that((has) => has === 'behind')
    return nodes.length === 0 ? [] : { name: note.name, nodes, behind, destroyed: note.at.getTime() }
  })
}

async function askNode(
  { url, attemptMs }: { readonly url: string; readonly attemptMs: number | undefined },
  notes: readonly Destroyed[],
): Promise<readonly Has[]> {
  const connection = openConnection({ url, isAnyNode: true, ...(attemptMs !== undefined && { attemptMs }) })
  try {
    const found: Has[] = []
    for (let next = 0; next < notes.length; next += AT_ONCE)
      found.push(...(await Promise.all(notes.slice(next, next + AT_ONCE).map((note) => lookFor(connection, note)))))
    return found
  } finally {
    await connection.close()
  }
}

/** Whether a node has the value of a note, wrapped with any master key. */
async function lookFor(connection: Connection, { name, position, earlier = [] }: Destroyed): Promise<Has> {
  const found = await Promise.all([position, ...earlier].map((place) => lookAt(connection, name, place)))
  return found.find((has) => has === 'has') ?? found.find((has) => has === 'behind') ?? 'hasNot'
}

/**
 * The first event that a node returns for a read of the whole log from this position on. A destroyed value is always followed by
 * its empty event, so a node that returns nothing has not reached this position.
 */
async function lookAt(connection: Connection, name: string, place: Position): Promise<Has> {
  const found = await readFrom(connection, '$all', allRequest('forwards', place, 1)).catch((error: unknown) => {
    if (error instanceof InvalidPosition) return undefined // none of its events is at this position
    throw error
  })
  const event = found?.[0]
  if (found !== undefined && event === undefined) return 'behind'
  const isIt = event?.streamId === streamOf(name) && recordedEvent(event).position === place
  return isIt ? 'has' : 'hasNot'
}
