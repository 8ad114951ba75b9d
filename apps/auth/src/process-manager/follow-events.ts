import { setTimeout as pause } from 'node:timers/promises'
import type { Checkpoints, EventStore, Position } from '@ledgate/eventsourcing'
import { type CommandContext, decode, type DomainRecord } from '../log/index.ts'
import { type Progress, progress } from './progress.ts'
import { resume } from './resume.ts'

export interface FollowOptions {
  readonly store: Pick<EventStore, 'subscribe' | 'parsePosition'>
  readonly checkpoints: Checkpoints
  /** Names the checkpoint; never changed. */
  readonly name: string
  readonly categories: readonly string[]
  /** Tried again until it resolves, so it has to be safe to repeat. Events of one stream come one after the other. */
  handle(event: DomainRecord): Promise<void>
  /** Told of each try that failed. */
  onError(error: unknown, event: DomainRecord): void
  /** How many events are handled at the same time; 16 unless told. */
  readonly concurrency?: number
  /** Milliseconds before a failed try is repeated, growing tenfold and more; 100 unless told. */
  readonly firstPauseMs?: number
  readonly signal: AbortSignal
}

const CONCURRENCY = 16
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 30_000

/** Events held in memory behind one that does not finish. */
const MAX_AHEAD = 10_000

/** What an event of the system's own, made because of another event, says about itself. */
export function causedBy(event: DomainRecord, process: string, commandId: string): CommandContext {
  return {
    commandId,
    correlationId: event.envelope.$correlationId,
    causationId: event.id,
    actor: { type: 'system', id: process },
    traceparent: event.envelope.traceparent,
  }
}

/** Saves how far the work has come, one save at a time, the newest position only. */
function saver({ checkpoints, name, onError }: FollowOptions, state: Progress) {
  let saved: Position = state.reached
  let saving: Promise<void> | undefined
  const save = async () => {
    while (saved !== state.reached) {
      const position = state.reached
      await checkpoints.save(name, position)
      saved = position
    }
  }
  return (event: DomainRecord) => {
    saving ??= save()
      .catch((error: unknown) => onError(error, event)) // the next event saves again
      .finally(() => (saving = undefined))
    return saving
  }
}

async function untilHandled(options: FollowOptions, event: DomainRecord): Promise<boolean> {
  let ms = options.firstPauseMs ?? FIRST_PAUSE_MS
  for (; !options.signal.aborted; ms = Math.min(ms * 2, LONGEST_PAUSE_MS)) {
    try {
      await options.handle(event)
      return true
    } catch (error) {
      options.onError(error, event)
      await pause(ms, undefined, { signal: options.signal }).catch(() => {})
    }
  }
  return false
}

/**
 * Hands every event of some categories to `handle` at least once, from the last checkpoint on, until the signal. An
 * event that cannot be handled holds up its own stream and the checkpoint, and nothing else; none is skipped. Resolves
 * once nothing is being handled any more.
 */
export async function followEvents(options: FollowOptions): Promise<void> {
  const { store, checkpoints, name, categories, signal, concurrency = CONCURRENCY } = options
  const after = await resume(store, checkpoints, name)
  const state = progress(after)
  const save = saver(options, state)
  const lanes = new Map<string, Promise<void>>()
  const running = new Set<Promise<void>>()

  async function inLane(
    event: DomainRecord,
    before: Promise<void> | undefined,
    entry: { done(): void },
  ): Promise<void> {
    await before
    if (!(await untilHandled(options, event))) return
    entry.done()
    await save(event)
  }

  function start(event: DomainRecord): void {
    const work: Promise<void> = inLane(event, lanes.get(event.stream), state.begin(event.position)).finally(() => {
      running.delete(work)
      if (lanes.get(event.stream) === work) lanes.delete(event.stream)
    })
    lanes.set(event.stream, work)
    running.add(work)
  }

  for await (const message of store.subscribe({ after, filter: { categories }, signal })) {
    const event = message.kind === 'event' ? decode(message.event) : undefined
    if (event === undefined) continue
    start(event)
    while (!signal.aborted && (running.size >= concurrency || state.size >= MAX_AHEAD)) await Promise.race(running)
  }
  await Promise.all(running)
}
