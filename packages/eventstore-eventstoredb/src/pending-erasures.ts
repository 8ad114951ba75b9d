import { InvalidPosition, type Position } from '@ledgate/eventsourcing'
import { type Connection, type ConnectionOptions, openConnection } from './connection.ts'
import { namedHosts, namedNodes, nodeUrl } from './connection-string.ts'
import { type Destroyed, destroyedNotes, finishErasures, streamOf } from './erasure.ts'
import { membersSeenBy } from './members.ts'
import { allRequest } from './read-request.ts'
import { readFrom } from './reading.ts'
import { recordedEvent } from './recorded.ts'

/** Bytes that were destroyed, and are, or may be, in the files of some nodes. */
export interface PendingErasure {
  readonly name: string
  /** Host and port of the nodes that have them, and of those that lag. */
  readonly nodes: readonly string[]
  /** Those of them that have not come so far in the log: what they will get, nobody knows. */
  readonly behind: readonly string[]
  /** Milliseconds since the epoch. */
  readonly destroyed: number
}

type Has = 'has' | 'hasNot' | 'behind'

/** Places of the log that one node is asked about at the same time. */
const AT_ONCE = 16

/** The nodes to ask, by host and port: a cluster says which it has, and those of the URL may have left it. */
async function nodesOf(connection: Connection, url: string): Promise<readonly string[]> {
  const named = namedNodes(url)
  const members = await membersSeenBy(connection)
  // One that is alone may say an address of its own that nobody else reaches.
  return members.length > 1 ? [...new Set([...members, ...named])] : named
}

/** What was destroyed and may be in the files of a node. @throws {Unavailable} when one of them does not answer. */
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

/** Whether a node has the value of a note anywhere, as any master key wrapped it. */
async function lookFor(connection: Connection, { name, position, earlier = [] }: Destroyed): Promise<Has> {
  const found = await Promise.all([position, ...earlier].map((place) => lookAt(connection, name, place)))
  return found.find((has) => has === 'has') ?? found.find((has) => has === 'behind') ?? 'hasNot'
}

/**
 * What a node gives to whoever reads the whole log from this place on. Behind a value that was destroyed there is always
 * something: its empty event. A node that gives nothing has not come so far.
 */
async function lookAt(connection: Connection, name: string, place: Position): Promise<Has> {
  const found = await readFrom(connection, '$all', allRequest('forwards', place, 1)).catch((error: unknown) => {
    if (error instanceof InvalidPosition) return undefined // no event of its log is there
    throw error
  })
  const event = found?.[0]
  if (found !== undefined && event === undefined) return 'behind'
  const isIt = event?.streamId === streamOf(name) && recordedEvent(event).position === place
  return isIt ? 'has' : 'hasNot'
}
