import { Conflict, type Position, StreamNotFound } from '@ledgate/eventsourcing'
import { type KeyVault, wrapping } from '@ledgate/vault'
import { append, asideEvent, keepLastOnly } from './append.ts'
import { nodeUrls, openConnection, type Connection } from './connection.ts'
import { appendFailure } from './failure.ts'
import { allRequest, streamRequest } from './read-request.ts'
import { readFrom } from './reading.ts'
import { recordedEvent } from './recorded.ts'

export interface EventStoreDBVaultOptions {
  /** `esdb://user:password@host:port?tls=…`. */
  readonly url: string
  /** 32 bytes that wrap everything in the vault. */
  readonly masterKey: Uint8Array
  /** Keys that wrapped some of it before, while the master key is being replaced. */
  readonly olderMasterKeys?: readonly Uint8Array[]
  /** Milliseconds that one try of one call may take; 2,000 unless told. */
  readonly attemptMs?: number
}

/** Bytes that were destroyed, and are still in the files of some nodes until their next scavenge. */
export interface PendingErasure {
  readonly name: string
  /** Host and port of the nodes that still have them. */
  readonly nodes: readonly string[]
  /** Milliseconds since the epoch. */
  readonly destroyed: number
}

/** The vault in streams of EventStoreDB, and what its operators ask it. */
export interface EventStoreDBVault extends KeyVault {
  /**
   * What was destroyed and can still be found in a node that the URL names: EventStoreDB hides deleted events at once,
   * and removes them from each node's files with that node's scavenge.
   *
   * @throws {Unavailable} when one of the nodes does not answer: nobody knows what it has.
   */
  pendingErasures(): Promise<readonly PendingErasure[]>
}

/** The name of a value that only the right master key can open. */
const CHECK = 'vault/check'
const DESTROYED = 'vault-destroyed'
const PREFIX = 'vault-key.'
const streamOf = (name: string) => `${PREFIX}${name}`
/** The last event of a name that was destroyed: a scavenge keeps the last event of a deleted stream, whatever it holds. */
const ERASED = 'Erased'
/** Events that are read together when everything is wrapped anew. */
const PAGE = 500

interface Kept {
  readonly wrapped: string
}
interface Destroyed {
  readonly name: string
  readonly position: Position
}

/** The last event of a stream; `undefined` when it has none, or was deleted. */
async function lastOf(connection: Connection, stream: string) {
  try {
    const [found] = await readFrom(connection, stream, streamRequest(stream, { direction: 'backwards', max: 1 }))
    return found
  } catch (error) {
    if (error instanceof StreamNotFound) return undefined
    throw error
  }
}

/**
 * Opens the vault in streams beside the log: one for each name, of one event that is wrapped by the master key. Any
 * number of processes may have it open, with the same master key.
 *
 * @throws {Error} when the master key is not the one that made this vault, or EventStoreDB cannot be used.
 */
export async function openEventStoreDBVault(options: EventStoreDBVaultOptions): Promise<EventStoreDBVault> {
  const connection = openConnection(options)
  let keys = wrapping([options.masterKey, ...(options.olderMasterKeys ?? [])])

  async function get(name: string): Promise<Uint8Array | undefined> {
    const kept = (await lastOf(connection, streamOf(name)))?.data as Kept | undefined
    const wrapped = kept?.wrapped
    return wrapped === undefined ? undefined : keys.unwrap(Buffer.from(wrapped, 'base64url'), name)
  }

  async function putIfAbsent(name: string, bytes: Uint8Array): Promise<Uint8Array> {
    const wrapped = keys.wrap(bytes, name).toString('base64url')
    for (;;) {
      try {
        await append(connection, {
          stream: streamOf(name),
          events: [asideEvent('Kept', { wrapped })],
          expected: 'noStream',
        })
        return Uint8Array.from(bytes)
      } catch (error) {
        if (!(error instanceof Conflict)) throw error
        const kept = await get(name)
        if (kept !== undefined) return kept
        await deleteErased(name) // who destroyed it may not have come to the end; then the name is free
      }
    }
  }

  /** A new event takes the place of the one before, which goes with the next scavenge. */
  async function rewrapOne(name: string): Promise<boolean> {
    const stream = streamOf(name)
    for (;;) {
      const last = await lastOf(connection, stream)
      const wrapped =
        last?.type === ERASED
          ? undefined
          : last && keys.rewrapped(Buffer.from((last.data as Kept).wrapped, 'base64url'), name)
      if (last === undefined || wrapped === undefined) return false
      const events = [asideEvent('Kept', { wrapped: wrapped.toString('base64url') })]
      try {
        await append(connection, { stream, events, expected: last.revision })
      } catch (error) {
        if (error instanceof Conflict) continue
        throw error
      }
      await keepLastOnly(connection, stream)
      return true
    }
  }

  /** Deletes the stream of a name whose last event says that it is erased, and no value that was put there since. */
  async function deleteErased(name: string): Promise<void> {
    const stream = streamOf(name)
    const last = await lastOf(connection, stream)
    if (last?.type !== ERASED) return
    const how = { requiresLeader: true, deadline: connection.attemptMs, expectedRevision: last.revision }
    try {
      await connection.call((client) => client.deleteStream(stream, how))
    } catch (error) {
      const failure = appendFailure(stream, error)
      if (!(failure instanceof Conflict)) throw failure
    }
  }

  const vault: EventStoreDBVault = {
    get,
    putIfAbsent,
    async destroy(name) {
      const stream = streamOf(name)
      for (;;) {
        const last = await lastOf(connection, stream)
        if (last === undefined) return
        if (last.type === ERASED) return deleteErased(name)
        // Noted first: what is deleted and not noted, nobody would look for in the files.
        const { position } = recordedEvent(last)
        const note = asideEvent('Destroyed', { name, position })
        await append(connection, { stream: DESTROYED, events: [note], expected: 'any' })
        try {
          await append(connection, { stream, events: [asideEvent(ERASED, {})], expected: last.revision })
        } catch (error) {
          if (!(error instanceof Conflict)) throw error // else it was wrapped anew, or destroyed, in between
        }
      }
    },
    async rewrap(masterKeys) {
      const next = wrapping(masterKeys)
      await openCheck(async () => {
        const check = (await lastOf(connection, streamOf(CHECK)))?.data as Kept | undefined
        if (check) next.unwrap(Buffer.from(check.wrapped, 'base64url'), CHECK)
      }) // before anything depends on them
      keys = next
      let count = 0
      for await (const name of keptNames(connection)) if (await rewrapOne(name)) count += 1
      return count
    },
    pendingErasures: () => pendingErasures(connection, options),
    close: connection.close,
  }

  try {
    await checkMasterKey(vault)
    return vault
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** The names that the vault has had, each once. */
async function* keptNames(connection: Connection): AsyncGenerator<string, void> {
  const seen = new Set<string>()
  let from: Position | undefined
  for (;;) {
    const found = await readFrom(connection, '$all', allRequest('forwards', from, PAGE, PREFIX))
    const start = from
    for (const event of found) {
      from = recordedEvent(event).position
      const name = event.streamId.slice(PREFIX.length)
      if (seen.has(name)) continue
      seen.add(name)
      yield name
    }
    if (found.length < PAGE || from === start) return
  }
}

/** The first to open a vault leaves a value in it that no other master key can open. */
const checkMasterKey = (vault: KeyVault): Promise<void> =>
  openCheck(() => vault.putIfAbsent(CHECK, Buffer.from('the master key fits')))

/** @throws {Error} that names the setting when the check cannot be opened. */
async function openCheck(open: () => Promise<unknown>): Promise<void> {
  try {
    await open()
  } catch (error) {
    // Node says this of an authentication tag that does not fit, and has no code for it.
    if (!(error instanceof Error) || !/unable to authenticate/i.test(error.message)) throw error
    throw new Error('LEDGATE_MASTER_KEY is not the key that made the vault at LEDGATE_EVENTSTOREDB_URL', {
      cause: error,
    })
  }
}

async function pendingErasures(
  connection: Connection,
  { url, attemptMs }: Pick<EventStoreDBVaultOptions, 'url' | 'attemptMs'>,
): Promise<readonly PendingErasure[]> {
  const notes = await readFrom(connection, DESTROYED, streamRequest(DESTROYED, {})).catch((error: unknown) => {
    if (error instanceof StreamNotFound) return []
    throw error
  })
  const nodes = nodeUrls(url).map((each) => ({
    name: new URL(each).host,
    connection: openConnection({ url: each, isAnyNode: true, ...(attemptMs !== undefined && { attemptMs }) }),
  }))
  try {
    const pending: PendingErasure[] = []
    for (const { data, created } of notes) {
      const destroyed = data as Destroyed
      const found = await Promise.all(nodes.map((node) => isInFiles(node.connection, destroyed)))
      const having = nodes.filter((_, index) => found[index]).map(({ name }) => name)
      if (having.length > 0) pending.push({ name: destroyed.name, nodes: having, destroyed: created.getTime() })
    }
    return pending
  } finally {
    await Promise.all(nodes.map((node) => node.connection.close()))
  }
}

/** Whether a node still gives what stands at this position to readers of the whole log. */
async function isInFiles(connection: Connection, { name, position }: Destroyed): Promise<boolean> {
  const found = await readFrom(connection, '$all', allRequest('forwards', position, 1))
  return found.some((event) => event.streamId === streamOf(name) && recordedEvent(event).position === position)
}
