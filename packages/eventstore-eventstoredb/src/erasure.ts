import { Conflict, type Position, StreamNotFound, Unavailable } from '@ledgate/eventsourcing'
import { append, asideEvent } from './append.ts'
import type { Connection } from './connection.ts'
import { appendFailure, isTombstone } from './failure.ts'
import { streamRequest } from './read-request.ts'
import { readFrom } from './reading.ts'
import { type Recorded, recordedEvent } from './recorded.ts'

/** The content of a stream of the vault. */
export interface Kept {
  readonly wrapped: string
  /** The positions of the same value as wrapped with other master keys. */
  readonly earlier?: readonly Position[]
}

/** A note that a value is to be destroyed; it is written before any other step. */
export interface Destroyed {
  readonly name: string
  /** The position of its last event. */
  readonly position: Position
  /** Missing up to version 0.1, in which the stream was deleted without an empty event before. */
  readonly earlier?: readonly Position[]
}

const PREFIX = 'vault-key.'
/** The stream of one value of the vault. */
export const streamOf = (name: string): string => `${PREFIX}${name}`

/** The last, empty event of a destroyed name: a scavenge keeps the last event of a deleted stream with its content. */
const ERASED = 'Erased'
/** An event among the notes: all erasures noted before it are complete. */
const FINISHED = 'Finished'
const DESTROYED = 'vault-destroyed'
const NOTE = 'Destroyed'
/** Notes that are read in one page. */
const PAGE = 500
/** Erasures that are completed concurrently. */
const AT_ONCE = 8
/** How often the check restarts because a key was destroyed meanwhile. */
const TRIES = 50

/** The value in an event; `undefined` when the event marks it as erased. */
export const keptIn = (event: Recorded): Kept | undefined => (event.type === ERASED ? undefined : (event.data as Kept))

/** The last event of a stream; `undefined` when it has none or was deleted; `'tombstone'` when it has a tombstone. */
async function endOf(connection: Connection, stream: string): Promise<Recorded | undefined | 'tombstone'> {
  try {
    const [found] = await readFrom(connection, stream, streamRequest(stream, { direction: 'backwards', max: 1 }))
    return found
  } catch (error) {
    if (isTombstone(error)) return 'tombstone'
    if (error instanceof StreamNotFound) return undefined
    throw error
  }
}

/** The last visible event of a stream. */
export async function lastOf(connection: Connection, stream: string): Promise<Recorded | undefined> {
  const end = await endOf(connection, stream)
  return end === 'tombstone' ? undefined : end
}

/** Whether an append was written; `false` on a conflict with another process. */
async function isWritten(writing: Promise<unknown>): Promise<boolean> {
  try {
    await writing
    return true
  } catch (error) {
    if (error instanceof Conflict) return false
    throw error
  }
}

const erase = (connection: Connection, stream: string, expected: 'noStream' | bigint): Promise<boolean> =>
  isWritten(append(connection, { stream, events: [asideEvent(ERASED, {})], expected }))

/** Deletes the stream of a name if its last event marks it as erased; keeps a value that was put there since. */
export async function deleteErased(connection: Connection, name: string): Promise<void> {
  const stream = streamOf(name)
  const last = await lastOf(connection, stream)
  if (last?.type !== ERASED) return
  const how = { requiresLeader: true, deadline: connection.attemptMs, expectedRevision: last.revision }
  try {
    await connection.call((client) => client.deleteStream(stream, how))
  } catch (error) {
    const failure = appendFailure({ stream, expected: last.revision }, error)
    if (!(failure instanceof Conflict)) throw failure
  }
}

const note = (connection: Connection, destroyed: Destroyed) =>
  append(connection, { stream: DESTROYED, events: [asideEvent(NOTE, { ...destroyed })], expected: 'any' })

/**
 * Destroys the value of a name: writes a note with its positions, without which no one would look for it in the files of the
 * nodes; appends an empty event; deletes the stream. If it is interrupted, {@link finishErasures} completes it.
 */
export async function destroyKey(connection: Connection, name: string): Promise<void> {
  const stream = streamOf(name)
  for (;;) {
    const last = await lastOf(connection, stream)
    if (last === undefined) return
    if (last.type === ERASED) return deleteErased(connection, name)
    await note(connection, { name, position: recordedEvent(last).position, earlier: keptIn(last)?.earlier ?? [] })
    await erase(connection, stream, last.revision) // otherwise it was rewrapped or destroyed meanwhile
  }
}

/** Notes, newest first, from a revision down to the one after `until`, or to the mark that all before are complete. */
async function* notes(connection: Connection, until: bigint): AsyncGenerator<Recorded, void> {
  let from: bigint | undefined
  for (;;) {
    const request = streamRequest(DESTROYED, { direction: 'backwards', max: PAGE, ...(from !== undefined && { from }) })
    const page = await readFrom(connection, DESTROYED, request).catch((error: unknown) => {
      if (error instanceof StreamNotFound) return []
      throw error
    })
    for (const event of page) {
      if (event.revision <= until) return
      yield event
    }
    const last = page.at(-1)
    if (last === undefined || last.revision === 0n) return
    from = last.revision - 1n
  }
}

/** Every noted position once, with the time of its first note. */
export async function destroyedNotes(connection: Connection): Promise<(Destroyed & { readonly at: Date })[]> {
  const found = new Map<Position, Destroyed & { readonly at: Date }>()
  for await (const { type, data, created } of notes(connection, -1n)) {
    const destroyed = data as Destroyed
    if (type === NOTE) found.set(destroyed.position, { ...destroyed, at: new Date(created) })
  }
  return [...found.values()].reverse()
}

/** The notes since the last mark of completion, and the last revision of the stream. */
async function unfinished(connection: Connection, until: bigint) {
  const found: Destroyed[] = []
  let last: bigint | undefined
  let isFinished = false
  for await (const { type, data, revision } of notes(connection, until)) {
    last ??= revision
    isFinished = type === FINISHED
    if (isFinished) break
    found.push(data as Destroyed)
  }
  return { found, last: last ?? (until === -1n ? undefined : until), isFinished: isFinished && found.length === 0 }
}

/**
 * Completes every noted erasure: the interrupted ones, and those of version 0.1, which deleted a stream without an empty event at
 * its end, so that a scavenge kept the last value.
 *
 * @param isProof writes the mark of completion even if there is one already. It is appended right after the last note that was
 *   read and nowhere else, so no note was missed, even if the node that returned them is stale.
 */
export async function finishErasures(
  connection: Connection,
  { isProof }: { readonly isProof: boolean },
): Promise<void> {
  let until = -1n
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { found, last, isFinished } = await unfinished(connection, until)
    if (isFinished && !isProof) return
    if (last === undefined && !isProof) return
    for (let next = 0; next < found.length; next += AT_ONCE)
      await Promise.all(found.slice(next, next + AT_ONCE).map((each) => finishOne(connection, each)))
    const events = [asideEvent(FINISHED, {})]
    const expected = last ?? 'noStream'
    if (await isWritten(append(connection, { stream: DESTROYED, events, expected }))) return
    until = last ?? -1n
  }
  throw new Unavailable('keys are destroyed faster than their erasures can be completed')
}

async function finishOne(connection: Connection, { name, position, earlier }: Destroyed): Promise<void> {
  const stream = streamOf(name)
  const end = await endOf(connection, stream)
  if (end === 'tombstone') return // a scavenge removes all events before it
  if (end === undefined) {
    const wasErased = earlier !== undefined
    if (!wasErased && (await erase(connection, stream, 'noStream'))) await deleteErased(connection, name)
    return
  }
  if (end.type === ERASED) return deleteErased(connection, name)
  const isIt = recordedEvent(end).position === position || keptIn(end)?.earlier?.includes(position)
  if (isIt) await destroyKey(connection, name) // otherwise the name was reused by a later event
}
