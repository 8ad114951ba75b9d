import { judge } from '@ledgate/eventsourcing'

/** An event as it came over the wire, and where it stands. */
export interface StoredEvent {
  readonly stream: string
  readonly revision: number
  /** Offset into the log; commit and prepare are one here, as for every event that was not written in a transaction. */
  readonly offset: number
  readonly id: string
  readonly type: string
  readonly contentType: string
  readonly data: Uint8Array
  readonly metadata: Uint8Array
  /** Milliseconds since the epoch. */
  readonly created: number
}

export type ProposedEvent = Pick<StoredEvent, 'id' | 'type' | 'contentType' | 'data' | 'metadata'>

export type Judged =
  /** `offset` is missing when the append was known already: the server does not look it up (IndexWriter.CheckCommit). */
  | { readonly kind: 'success'; readonly revision: number; readonly offset: number | undefined }
  | { readonly kind: 'conflict'; readonly current: number }

/** What the nodes of one cluster agree on. */
export interface ProtocolLog {
  append(stream: string, events: readonly ProposedEvent[], expected: number): Judged
  /** Hides all events of a stream from readers of the stream; those of the whole log see them until a scavenge. */
  softDelete(stream: string): void
  /** What soft deletes hid so far: a node's scavenge (`POST /admin/scavenge`) removes it from that node's files. */
  hidden(): readonly StoredEvent[]
  /** What readers of the stream see, oldest first; `undefined` when it does not exist. */
  stream(name: string): readonly StoredEvent[] | undefined
  /** Every event, system events included, in order. */
  readonly all: readonly StoredEvent[]
  /** Tells of events that are wanted, and of others now and then; answers how to stop that. */
  onGrowth(listener: () => void, isWanted?: (event: StoredEvent) => boolean): () => void
}

const written = ({ revision, offset }: StoredEvent): Judged => ({ kind: 'success', revision, offset })

const STEP = 128
/** Events after which everybody looks, for the checkpoints of those who wanted none of them. */
const NOW_AND_THEN = 64
const ENCODER = new TextEncoder()

/** The index of the first event at or after an offset. */
export const indexAt = (offset: number): number => Math.max(0, Math.ceil(offset / STEP) - 1)
export const offsetAt = (index: number): number => (index + 1) * STEP

export interface ProtocolLogOptions {
  /** `false`: every append is written, whatever it expects. No server does that; a test that passes with it is blind. */
  readonly judges?: boolean
}

/**
 * A log in memory that judges appends as EventStoreDB does (src/KurrentDB.Core/Services/Storage/ReaderIndex/
 * IndexWriter.cs) and hides truncated events as it does (ReaderIndex/IndexReader.cs).
 */
export function protocolLog({ judges = true }: ProtocolLogOptions = {}): ProtocolLog {
  const all: StoredEvent[] = []
  const streams = new Map<string, { readonly events: StoredEvent[]; truncateBefore: number }>()
  const recent = new Map<string, number>()
  const listeners = new Map<() => void, (event: StoredEvent) => boolean>()

  const write = (stream: string, events: readonly ProposedEvent[]): StoredEvent => {
    const own = streams.get(stream) ?? { events: [], truncateBefore: 0 }
    streams.set(stream, own)
    const before = all.length
    for (const event of events) {
      const revision = own.events.length
      const stored = { ...event, stream, revision, offset: offsetAt(all.length), created: Date.now() }
      own.events.push(stored)
      all.push(stored)
      recent.set(`${event.id} ${stream}`, revision)
    }
    for (const [listener, isWanted] of listeners)
      if (all.slice(before).some((event, index) => (before + index) % NOW_AND_THEN === 0 || isWanted(event))) listener()
    return own.events.at(-1) as StoredEvent
  }

  return {
    all,
    append(stream, events, expected) {
      if (!judges) return written(write(stream, events))
      const own = streams.get(stream)
      const stored = own?.events ?? []
      const isDeleted = own !== undefined && own.truncateBefore >= stored.length
      // After a soft delete `no_stream` succeeds, and revisions go on from where they were.
      const effective = isDeleted && expected === -1 ? stored.length - 1 : expected
      const ids = events.map(({ id }) => id)
      const verdict = judge(effective, ids, {
        last: stored.length - 1,
        idAt: (revision) => stored[revision]?.id,
        recentRevision: (id) => recent.get(`${id} ${stream}`),
      })
      if (verdict.kind === 'conflict') return { kind: 'conflict', current: stored.length - 1 }
      if (verdict.kind === 'repeat') return { kind: 'success', revision: verdict.revision, offset: undefined }
      return written(write(stream, events))
    },
    softDelete(stream) {
      const own = streams.get(stream)
      if (own === undefined) return
      own.truncateBefore = own.events.length
      const data = ENCODER.encode(JSON.stringify({ $tb: Number.MAX_SAFE_INTEGER }))
      const id = crypto.randomUUID()
      const type = '$metadata'
      write(`$$${stream}`, [{ id, type, contentType: 'application/json', data, metadata: new Uint8Array() }])
    },
    hidden: () => [...streams.values()].flatMap(({ events, truncateBefore }) => events.slice(0, truncateBefore)),
    stream(name) {
      const own = streams.get(name)
      if (own === undefined || own.truncateBefore >= own.events.length) return undefined
      return own.truncateBefore === 0 ? own.events : own.events.slice(own.truncateBefore)
    },
    onGrowth(listener, isWanted = () => true) {
      listeners.set(listener, isWanted)
      return () => void listeners.delete(listener)
    },
  }
}
