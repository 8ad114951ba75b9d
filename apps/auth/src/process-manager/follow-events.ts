import { setTimeout as pause } from 'node:timers/promises'
import {
  categoryOf,
  type Checkpoints,
  type EventStore,
  type Position,
  type RecordedEvent,
} from '@ledgate/eventsourcing'
import type { CommandContext, EventMetadata } from '../log/index.ts'
import type { Backlog } from './backlog.ts'
import type { Hearing } from './hearing.ts'
import { type Progress, createProgress } from './checkpoint-progress.ts'
import { resume } from './resume.ts'
import { createSlots } from './slots.ts'

/** A category of streams, and how their events are read. */
export interface Followed {
  readonly category: string
  decode(recorded: RecordedEvent): object | undefined
}

/** An event of one of these streams. */
export type RecordFrom<Streams extends readonly Followed[]> = NonNullable<ReturnType<Streams[number]['decode']>>

export interface FollowOptions<Streams extends readonly Followed[]> {
  readonly store: Pick<EventStore, 'subscribe' | 'parsePosition'>
  readonly checkpoints: Checkpoints
  /** Names the checkpoint; never changed. */
  readonly name: string
  readonly streams: Streams
  /** Tried again until it resolves, so it has to be safe to repeat. Events of one stream come one after the other. */
  handle(event: RecordFrom<Streams>): Promise<void>
  /** Called with the error of each failed attempt. */
  onError(error: unknown, event: RecordedEvent): void
  /** Where the events are kept whose last try failed. */
  readonly backlog?: Pick<Backlog, 'failed' | 'over'> | undefined
  /** Notified when the subscription fails and when it recovers. */
  readonly hearing?: Pick<Hearing, 'failed' | 'heard'> | undefined
  /** How many events are handled at the same time; default: those that wait for their next try do not count. 16. */
  readonly concurrency?: number
  /** Milliseconds before a failed try is repeated, doubling up to 30 s; default: 100. */
  readonly firstPauseMs?: number
  readonly signal: AbortSignal
}

const CONCURRENCY = 16
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 30_000

/** Events held in memory that are not done: those that wait for their next try, and those of the same streams. */
const MAX_WAITING = 10_000
/** Events since the first that is not done; of one that is done only the position is held. */
const MAX_AHEAD = 200_000

/** What an event of the system's own, made because of another event, says about itself. */
export function causedBy(
  event: Pick<EventMetadata, 'id' | 'envelope'>,
  process: string,
  commandId: string,
): CommandContext {
  return {
    commandId,
    correlationId: event.envelope.$correlationId,
    causationId: event.id,
    actor: { type: 'system', id: process },
    traceparent: event.envelope.traceparent,
  }
}

/** Saves how far the work has come, one save at a time, the newest position only. */
function saver(
  { checkpoints, name, onError }: Pick<FollowOptions<[]>, 'checkpoints' | 'name' | 'onError'>,
  state: Progress,
) {
  let saved: Position = state.reached
  let saving: Promise<void> | undefined
  const save = async () => {
    while (saved !== state.reached) {
      const position = state.reached
      await checkpoints.save(name, position)
      saved = position
    }
  }
  return (event: RecordedEvent) => {
    saving ??= save()
      .catch((error: unknown) => onError(error, event)) // the next event saves again
      .finally(() => (saving = undefined))
    return saving
  }
}

/** Tells whoever waits for it that something moved on. */
function change() {
  let wake = () => {}
  let next = new Promise<void>((resolve) => (wake = resolve))
  return {
    next: () => next,
    tell() {
      wake()
      next = new Promise<void>((resolve) => (wake = resolve))
    },
  }
}

/**
 * Hands every event of some streams to `handle` at least once, from the last checkpoint on, until the signal. An
 * event that cannot be handled, or not be read, waits for its next try without a place: it holds up its own stream and the
 * checkpoint, and nothing else, until as many wait as memory has room for. None is skipped. Resolves once nothing is being
 * handled any more.
 */
export async function followEvents<const Streams extends readonly Followed[]>(
  options: FollowOptions<Streams>,
): Promise<void> {
  const { store, checkpoints, name, streams, signal, backlog, concurrency = CONCURRENCY } = options
  const after = await resume(store, checkpoints, name)
  const state = createProgress(after)
  const save = saver(options, state)
  const lanes = new Map<string, Promise<void>>()
  const running = new Set<Promise<void>>()
  const places = createSlots(concurrency)
  const moved = change()
  const byCategory = new Map(streams.map((stream) => [stream.category, stream]))

  async function handle(recorded: RecordedEvent): Promise<void> {
    const event = byCategory.get(categoryOf(recorded.stream))?.decode(recorded)
    if (event !== undefined) await options.handle(event as RecordFrom<Streams>) // its own stream decoded it
  }

  async function untilHandled(recorded: RecordedEvent): Promise<boolean> {
    let ms = options.firstPauseMs ?? FIRST_PAUSE_MS
    for (; !signal.aborted; ms = Math.min(ms * 2, LONGEST_PAUSE_MS)) {
      try {
        await places.within(async () => (signal.aborted ? undefined : handle(recorded)))
        return !signal.aborted
      } catch (error) {
        options.onError(error, recorded)
        backlog?.failed(recorded.id, recorded.created)
        moved.tell()
        await pause(ms, undefined, { signal }).catch(() => {})
      }
    }
    return false
  }

  async function inLane(
    recorded: RecordedEvent,
    before: Promise<void> | undefined,
    entry: { done(): void },
  ): Promise<void> {
    await before
    const isHandled = await untilHandled(recorded)
    backlog?.over(recorded.id)
    if (!isHandled) return
    entry.done()
    moved.tell()
    await save(recorded)
  }

  function start(recorded: RecordedEvent): void {
    const { stream, position } = recorded
    const work: Promise<void> = inLane(recorded, lanes.get(stream), state.begin(position)).finally(() => {
      running.delete(work)
      if (lanes.get(stream) === work) lanes.delete(stream)
      moved.tell()
    })
    lanes.set(stream, work)
    running.add(work)
  }

  const isFull = () => places.queued >= concurrency || running.size >= MAX_WAITING || state.size >= MAX_AHEAD
  signal.addEventListener('abort', moved.tell, { once: true })
  const onFailure = (error: unknown) => options.hearing?.failed(error)
  for await (const message of store.subscribe({
    after,
    filter: { categories: [...byCategory.keys()] },
    signal,
    onFailure,
  })) {
    options.hearing?.heard()
    if (message.kind !== 'event') continue
    start(message.event)
    while (!signal.aborted && isFull()) await moved.next()
  }
  options.hearing?.heard() // whoever goes on knows how it goes
  await Promise.all(running)
}
