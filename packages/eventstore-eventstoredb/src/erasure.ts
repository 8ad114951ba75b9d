import { Conflict, type Position, StreamNotFound, Unavailable } from '@ledgate/eventsourcing'
import { append, asideEvent } from './append.ts'
import type { Connection } from './connection.ts'
import { appendFailure, isTombstone } from './failure.ts'
import { streamRequest } from './read-request.ts'
import { readFrom } from './reading.ts'
import { type Recorded, recordedEvent } from './recorded.ts'

/** What a stream of the vault holds. */
export interface Kept {
  readonly wrapped: string
  /** Where the same value stands as other master keys wrapped it. */
  readonly earlier?: readonly Position[]
}

/** A note that a value is to be destroyed; it is written before anything else is done about it. */
export interface Destroyed {
  readonly name: string
  /** Where its last event stands. */
  readonly position: Position
  /** Up to version 0.1 notes do not say, and nothing was written before the stream was deleted. */
  readonly earlier?: readonly Position[]
}

const PREFIX = 'vault-key.'
/** Where one value of the vault is. */
export const streamOf = (name: string): string => `${PREFIX}${name}`

/** The last event of a name that was destroyed: a scavenge keeps the last event of a deleted stream, whatever it holds. */
const ERASED = 'Erased'
/** Of notes alone: everything that was noted before is destroyed as it should be. */
const FINISHED = 'Finished'
const DESTROYED = 'vault-destroyed'
const NOTE = 'Destroyed'
/** Notes that are read together. */
const PAGE = 500
/** Erasures that are finished at the same time. */
const AT_ONCE = 8
/** How often it is begun again because something was destroyed meanwhile. */
const TRIES = 50

/** The value that an event holds; `undefined` when it says that there is none any more. */
export const keptIn = (event: Recorded): Kept | undefined => (event.type === ERASED ? undefined : (event.data as Kept))

/** The last event of a stream; `undefined` when it has none, or was deleted; that it has a tombstone. */
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

/** The last event that readers of a stream see. */
export async function lastOf(connection: Connection, stream: string): Promise<Recorded | undefined> {
  const end = await endOf(connection, stream)
  return end === 'tombstone' ? undefined : end
}

/** Whether an append is done; `false` when somebody else was first. */
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

/** Deletes the stream of a name whose last event says that it is erased, and no value that was put there since. */
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
 * Destroys what a name holds: notes where it is, for what is deleted and not noted, nobody would look for in the files;
 * writes an empty event over it; deletes the stream. Broken off anywhere, {@link finishErasures} comes to the end.
 */
export async function destroyKey(connection: Connection, name: string): Promise<void> {
  const stream = streamOf(name)
  for (;;) {
    const last = await lastOf(connection, stream)
    if (last === undefined) return
    if (last.type === ERASED) return deleteErased(connection, name)
    await note(connection, { name, position: recordedEvent(last).position, earlier: keptIn(last)?.earlier ?? [] })
    await erase(connection, stream, last.revision) // else it was wrapped anew, or destroyed, in between
  }
}

/** Notes, newest first, from a revision down to the one after `until`, or to where everything before was finished. */
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

/** Every place that was noted, once, with when it was first. */
export async function destroyedNotes(connection: Connection): Promise<(Destroyed & { readonly at: Date })[]> {
  const found = new Map<Position, Destroyed & { readonly at: Date }>()
  for await (const { type, data, created } of notes(connection, -1n)) {
    const destroyed = data as Destroyed
    if (type === NOTE) found.set(destroyed.position, { ...destroyed, at: new Date(created) })
  }
  return [...found.values()].reverse()
}

/** What was noted since the last time that everything was finished, and the last revision of all. */
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
 * Comes to the end of every erasure that was noted: those that were broken off, and those of version 0.1, which deleted a stream
 * without an empty event at its end, so that a scavenge kept the last one.
 *
 * @param isProof writes down that nothing is left to do also when it was written before. It is written behind the last note and
 *   nowhere else, so no note was overlooked, whatever the node knew that was asked for them.
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
  throw new Unavailable('keys are destroyed faster than their erasures can be looked at')
}

async function finishOne(connection: Connection, { name, position, earlier }: Destroyed): Promise<void> {
  const stream = streamOf(name)
  const end = await endOf(connection, stream)
  if (end === 'tombstone') return // a scavenge removes all that was before it
  if (end === undefined) {
    const wasErased = earlier !== undefined
    if (!wasErased && (await erase(connection, stream, 'noStream'))) await deleteErased(connection, name)
    return
  }
  if (end.type === ERASED) return deleteErased(connection, name)
  const isIt = recordedEvent(end).position === position || keptIn(end)?.earlier?.includes(position)
  if (isIt) await destroyKey(connection, name) // else the name was taken again, by a later event
}
