import { commitCheck, type CommitCheck } from './commit-check.ts'
import type { Member } from './member.ts'
import { DELETED, type ProposedEvent, systemEvent } from './stored-event.ts'
import {
  DELETED_METADATA,
  isMetastream,
  isSoftDeleted,
  metastreamOf,
  originalOf,
  recreatedMetadata,
} from './stream-metadata.ts'

export interface Append {
  readonly stream: string
  readonly events: readonly ProposedEvent[]
  readonly expected: number
}

export interface Deletion {
  readonly stream: string
  readonly expected: number
  /** With a tombstone, for ever. */
  readonly isHard: boolean
}

/** What was written, or was before. */
export interface Written {
  readonly kind: 'success'
  /** Of the last event; -1 when there is none. */
  readonly revision: number
  /** Of the record at whose position it is said to be. */
  readonly index: number | undefined
}

export type Refused = Extract<CommitCheck, { readonly kind: 'wrongExpectedVersion' | 'streamDeleted' | 'dropped' }>

/** What the writer of a node that takes itself for the leader does with a request (StorageWriterService.cs). */
export interface Writer {
  readonly member: Member
  readonly epoch: number
  /** `false`: every append is written, whatever it expects. No server does that; a test that passes with it is blind. */
  readonly judges: boolean
}

const ids = (events: readonly ProposedEvent[]): readonly string[] => events.map(({ id }) => id)

function write({ member: { log }, epoch }: Writer, stream: string, event: ProposedEvent, revision?: number): number {
  log.add({ event: log.next(stream, event, revision), epoch })
  return log.records.length - 1
}

function writeMetadata(writer: Writer, stream: string, json: string): number {
  return write(writer, metastreamOf(stream), systemEvent('$metadata', json))
}

/** Makes readers see a deleted stream again, from a revision on (StorageWriterService.cs, SoftUndeleteStream). */
function recreate(writer: Writer, stream: string, firstRevision: number): void {
  const before = writer.member.log.last(metastreamOf(stream))
  writeMetadata(writer, stream, recreatedMetadata(before, firstRevision))
}

/** Writes an append whole, or nothing. One without events takes its place in the log and is no event. */
export function writeAppend(writer: Writer, { stream, events, expected }: Append): Written | Refused {
  const { member, epoch, judges } = writer
  const { log } = member
  const last = log.last(stream)?.revision ?? -1
  const check: CommitCheck = judges
    ? commitCheck(member, stream, ids(events), expected)
    : { kind: 'write', last, isRecreated: isSoftDeleted(log.metadata(stream)) }
  if (check.kind === 'repeat') return { kind: 'success', revision: check.revision, index: check.event?.index }
  if (check.kind !== 'write') return check
  const original = isMetastream(stream) ? originalOf(stream) : undefined
  const wasDeleted = original !== undefined && isSoftDeleted(log.metadata(original))
  if (events.length === 0) log.add({ event: undefined, epoch })
  for (const event of events) write(writer, stream, event)
  const index = log.records.length - 1
  if (check.isRecreated) recreate(writer, stream, check.last + 1)
  if (original !== undefined && wasDeleted) recreate(writer, original, (log.last(original)?.revision ?? -1) + 1)
  return { kind: 'success', revision: check.last + events.length, index }
}

/** Hides all events of a stream from its readers, those of the whole log see them until a scavenge; or ends it for ever. */
export function writeDeletion(writer: Writer, { stream, expected, isHard }: Deletion): Written | Refused {
  const { member } = writer
  const check = commitCheck(member, stream, [crypto.randomUUID()], expected)
  if (check.kind === 'repeat') throw new Error('a new id is known')
  if (check.kind !== 'write') return check
  if (isHard) {
    const index = write(writer, stream, systemEvent('$streamDeleted', ''), DELETED)
    return { kind: 'success', revision: DELETED, index }
  }
  const isThere = check.last >= 0 || member.log.last(metastreamOf(stream)) !== undefined
  if (!isThere) return { kind: 'wrongExpectedVersion', current: -1 }
  return { kind: 'success', revision: check.last, index: writeMetadata(writer, stream, DELETED_METADATA) }
}

/** What a new leader writes first (EpochManager.cs, WriteNewEpoch): the record of its epoch, and an event that tells of it. */
export function writeEpoch(writer: Writer): void {
  const { log } = writer.member
  const said = systemEvent('$epoch-information', JSON.stringify({ epochNumber: writer.epoch }))
  log.add({ event: undefined, epoch: writer.epoch })
  write(writer, '$epoch-information', said)
}

/** What the first leader of a new database writes besides (UserManagementService.cs, MonitoringService.cs). */
export function writeFirstEvents(writer: Writer): void {
  writeMetadata(writer, '$stats-127.0.0.1:2113', '{"$maxAge":86400}')
  for (const name of ['admin', 'ops']) {
    write(writer, `$user-${name}`, systemEvent('$UserCreated', JSON.stringify({ loginName: name, disabled: false })))
    write(writer, '$users', systemEvent('$User', JSON.stringify(name)))
  }
}
