import { runOutsideDecision, Conflict, type Position, StreamNotFound } from '@ledgate/eventsourcing'
import { type KeyVault, createWrapping } from '@ledgate/vault'
import { append, asideEvent, keepLastOnly } from './append.ts'
import { openConnection, type Connection } from './connection.ts'
import { deleteErased, destroyKey, finishErasures, keptIn, lastOf, streamOf } from './erasure.ts'
import { pendingErasures, type PendingErasure } from './pending-erasures.ts'
import { allRequest, streamRequest } from './read-request.ts'
import { readFrom, readUnproved } from './reading.ts'
import { type Recorded, recordedEvent } from './recorded.ts'

export interface EventStoreDBVaultOptions {
  /** `esdb://user:password@host:port?tls=…`. */
  readonly url: string
  /** The 32 bytes of the key that wraps everything in the vault. */
  readonly masterKey: Uint8Array
  /** Former master keys, while the master key is being rotated. */
  readonly olderMasterKeys?: readonly Uint8Array[]
  /** Milliseconds for one attempt of a call; default: 2,000. */
  readonly attemptMs?: number
}

/** The vault in streams of EventStoreDB, with its functions for operators. */
export interface EventStoreDBVault extends KeyVault {
  /** Completes interrupted erasures, and those of version 0.1, which a scavenge did not carry out. */
  finishErasures(): Promise<void>
  /**
   * The destroyed values that are, or may be, still in the files of a node: EventStoreDB hides deleted events at once, and removes
   * them from the files of each node with the scavenge of that node. Asks every node in the URL or the gossip of the cluster.
   *
   * @throws {Unavailable} when one of the nodes does not answer, because its files are unknown then.
   */
  pendingErasures(): Promise<readonly PendingErasure[]>
}

/** The name of a check value that only the right master key can decrypt. */
const CHECK = 'vault/check'
/** Events that are read in one page during a rewrap. */
const PAGE = 500

/**
 * The last event of a stream of the vault. A value may have been destroyed within the last seconds, as with the values that other
 * processes cache; the absence of a value is always current.
 */
async function lastSeen(connection: Connection, stream: string): Promise<Recorded | undefined> {
  const request = streamRequest(stream, { direction: 'backwards', max: 1 })
  const [seen] = await readUnproved(connection, stream, request).catch((error: unknown) => {
    if (error instanceof StreamNotFound) return []
    throw error
  })
  return seen && keptIn(seen) ? seen : runOutsideDecision(() => lastOf(connection, stream))
}

/**
 * Opens the vault in internal streams: one for each name, with one event, whose value is wrapped with the master key. Any number
 * of processes may have it open, with the same master key.
 *
 * @throws {Error} when the master key is not the one of this vault, or EventStoreDB cannot be used.
 */
export async function openEventStoreDBVault(options: EventStoreDBVaultOptions): Promise<EventStoreDBVault> {
  const connection = openConnection(options)
  let keys = createWrapping([options.masterKey, ...(options.olderMasterKeys ?? [])])

  async function get(name: string): Promise<Uint8Array | undefined> {
    const last = await lastSeen(connection, streamOf(name))
    const kept = last && keptIn(last)
    return kept && keys.unwrap(Buffer.from(kept.wrapped, 'base64url'), name)
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
        await deleteErased(connection, name) // an interrupted erasure may have left the stream; after this the name is free
      }
    }
  }

  /** Appends a new event in place of the previous one, which the next scavenge removes. */
  async function rewrapOne(name: string): Promise<boolean> {
    const stream = streamOf(name)
    for (;;) {
      const last = await lastOf(connection, stream)
      const kept = last && keptIn(last)
      const wrapped = kept && keys.rewrap(Buffer.from(kept.wrapped, 'base64url'), name)
      if (last === undefined || wrapped === undefined) return false
      const earlier = [...(kept?.earlier ?? []), recordedEvent(last).position]
      const events = [asideEvent('Kept', { wrapped: wrapped.toString('base64url'), earlier })]
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

  async function rewrap(masterKeys: Parameters<KeyVault['rewrap']>[0]): Promise<number> {
    const next = createWrapping(masterKeys)
    await openCheck(async () => {
      const last = await lastOf(connection, streamOf(CHECK))
      const check = last && keptIn(last)
      if (check) next.unwrap(Buffer.from(check.wrapped, 'base64url'), CHECK)
    }) // before anything depends on them
    keys = next
    let count = 0
    for await (const name of keptNames(connection)) if (await rewrapOne(name)) count += 1
    return count
  }

  const vault: EventStoreDBVault = {
    get,
    putIfAbsent,
    destroy: (name) => destroyKey(connection, name),
    // Each value is wrapped on its own: when the decision for one restarts, the others are neither undone nor counted twice.
    rewrap: (masterKeys) => runOutsideDecision(() => rewrap(masterKeys)),
    finishErasures: () => finishErasures(connection, { isProof: false }),
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

/** All names that the vault has ever had, each once. */
async function* keptNames(connection: Connection): AsyncGenerator<string, void> {
  const seen = new Set<string>()
  let from: Position | undefined
  for (;;) {
    const found = await readFrom(connection, '$all', allRequest('forwards', from, PAGE, { prefix: streamOf('') }))
    const start = from
    for (const event of found) {
      from = recordedEvent(event).position
      const name = event.streamId.slice(streamOf('').length)
      if (seen.has(name)) continue
      seen.add(name)
      yield name
    }
    if (found.length < PAGE || from === start) return
  }
}

/** The first process that opens a vault stores a check value in it that no other master key can decrypt. */
const checkMasterKey = (vault: KeyVault): Promise<void> =>
  openCheck(() => vault.putIfAbsent(CHECK, Buffer.from('the master key fits')))

/** @throws {Error} that names the setting when the check value cannot be decrypted. */
async function openCheck(open: () => Promise<unknown>): Promise<void> {
  try {
    await open()
  } catch (error) {
    // Node's message for a wrong authentication tag, which has no code.
    if (!(error instanceof Error) || !/unable to authenticate/i.test(error.message)) throw error
    throw new Error('LEDGATE_MASTER_KEY is not the key of the vault at LEDGATE_EVENTSTOREDB_URL', {
      cause: error,
    })
  }
}
