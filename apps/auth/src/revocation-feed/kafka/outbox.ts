import { setTimeout as pause } from 'node:timers/promises'
import { type Checkpoints, type Position, type PositionParser, START } from '@ledgate/eventsourcing'
import type { NoticePublisher, Publication } from '@ledgate/revocation'
import { batch } from './batch.ts'
import { PositionExpired } from '../position-expired.ts'
import { createDebouncedWriter } from './debounced-writer.ts'
import { createLatestOnly } from './latest-only.ts'
import { createProgress } from '../publishing-progress.ts'
import { startReadBack } from './read-back.ts'
import { readThroughPause } from './read-through-pause.ts'
import type { Announcement } from '../announcement.ts'
import { placeText, readPlace, type TopicPlace } from './topic-position.ts'
import { TopicTruncated, openTopicWriter, type TopicWriter, type TopicWriterOptions } from './topic-writer.ts'
import { createConfirmation } from './confirming.ts'
import { runWhenDue } from './when-due.ts'

export interface OutboxOptions extends PositionParser, Omit<TopicWriterOptions, 'publisher' | 'reached' | 'wrote'> {
  /** Notices and heartbeats after a place, in order. @throws {PositionExpired} when it does not go back so far. */
  follow(after: Position, signal: AbortSignal): AsyncIterable<Announcement>
  /** When the oldest notice after a place was there, in milliseconds since the epoch; `undefined` when there is none. */
  waitingSince(after: Position): number | undefined
  openPublisher(): Promise<NoticePublisher>
  /** What is in the topic after a message that was written. @throws {TopicTruncated} when that is no longer where it was. */
  readOn(cursor: string, signal: AbortSignal): AsyncIterable<readonly { readonly cursor: string }[]>
  /** Reads all that stands at these offsets, until the signal. @throws {TopicTruncated} when something of it cannot be read. */
  readThrough(offsets: { readonly from: bigint; readonly to: bigint }, signal: AbortSignal): Promise<void>
  readonly checkpoints: Checkpoints
  onError(error: unknown): void
  /** Milliseconds after which everything that matters is sent again; default: a day. */
  readonly refillMs?: number
  /** Milliseconds after which all of it is read through again where that is quick; default: a minute. */
  readonly readThroughMs?: number
  /** Milliseconds to wait before a restart: at first, and at most; default: 100 and 2,000. */
  readonly backoffMs?: { readonly first: number; readonly longest: number }
}

export interface OutboxState {
  /** Whether it is this process that publishes. */
  readonly isRunning: boolean
  /** Whether the last try to send succeeded. */
  readonly isUp: boolean
  /** Notices that were written to the topic. */
  readonly sent: number
  readonly failures: number
  /** Milliseconds for which the oldest notice that is not in the topic has been waiting. */
  readonly lagMs: number
  /** When this process last vouched for the topic, or its turn began, in milliseconds since the epoch. */
  readonly vouchedAt: number | undefined
}

/** Sends what ends tokens to a topic. */
export interface Outbox {
  /** Publishes until the signal; restarts whenever something fails. */
  run(held: AbortSignal): Promise<void>
  /** Whether everything up to a place is published within so many milliseconds, by this process. */
  waitUntilPublished(position: Position, ms: number): Promise<boolean>
  state(): OutboxState
}

const NAME = 'outbox'
/** Messages in one request. */
const BATCH = 500
const BACKOFF_MS = { first: 100, longest: 2_000 }
const REFILL_MS = 86_400_000
const READ_THROUGH_MS = 60_000
/** While verifiers are at work on a notice, the place behind it need not be. */
const SAVED_AFTER_MS = 250
/** An outbox that went well for so long restarts at once. */
const STEADY_MS = 10_000

/**
 * The outbox: follows the feed, sends, then moves its checkpoint. What is sent twice is harmless, so that there is one
 * sender is a matter of economy. A heartbeat says that nothing is missing: it is sent once everything before it was read
 * back from the topic. What may have been lost, at its end or its beginning or because it cannot be read, is sent again before the
 * next one; and everything that matters once a day, so that a reader need not begin further back.
 */
export function createOutbox(options: OutboxOptions): Outbox {
  const { checkpoints, now, refillMs = REFILL_MS, readThroughMs = READ_THROUGH_MS } = options
  const sent = createProgress()
  const state = { isRunning: false, isUp: false, sent: 0, failures: 0, vouchedAt: undefined as number | undefined }
  let place: TopicPlace | undefined
  let mustForget = false
  let readThroughDueAt = Number.NEGATIVE_INFINITY
  /** No one waits for it, since to send again after a crash is harmless. */
  const places = createDebouncedWriter<TopicPlace>({
    save: (reached) => checkpoints.save(NAME, placeText(reached)),
    afterMs: SAVED_AFTER_MS,
    onError: options.onError,
  })

  function keep(reached: TopicPlace): void {
    place = reached
    sent.reach(reached.position)
    places.keep(reached)
  }

  function wrote(publications: readonly Publication[]): void {
    state.isUp = true
    state.sent += publications.filter(({ kind }) => kind === 'notice').length
    if (publications.some(({ confirmed }) => confirmed !== undefined)) state.vouchedAt = now()
  }

  /** Sends notices at once, and hands on each heartbeat whose notices are in the topic. */
  async function follow(writer: TopicWriter, beat: (heartbeat: Announcement) => void, signal: AbortSignal) {
    while (!signal.aborted) {
      try {
        for await (const publications of batch(options.follow(writer.place().position, signal), BATCH)) {
          await writer.notices(publications.filter(({ kind }) => kind === 'notice'))
          const heartbeat = publications.findLast(({ kind }) => kind === 'heartbeat')
          if (heartbeat !== undefined) beat(heartbeat)
        }
        return
      } catch (error) {
        if (!(error instanceof PositionExpired)) throw error
        await writer.catchUp(signal)
      }
    }
  }

  /** Now and then, so that nothing that matters comes near the time after which the topic forgets. */
  const refill = (writer: TopicWriter, signal: AbortSignal): Promise<void> =>
    runWhenDue({ at: () => writer.place().filledAt + refillMs, now, work: () => writer.refill(signal) }, signal)

  /**
   * At first, and now and then: what was read back may be damaged later, and then whoever begins to read is not vouched for.
   */
  const readThrough = (writer: TopicWriter, signal: AbortSignal): Promise<void> =>
    runWhenDue({ at: () => readThroughDueAt, now, work: () => readOnce(writer, signal) }, signal)

  async function readOnce(writer: TopicWriter, signal: AbortSignal): Promise<void> {
    const { since: from, offset: to } = writer.place()
    const began = now()
    await options.readThrough({ from, to }, signal)
    if (signal.aborted) return
    readThroughDueAt = now() + readThroughPause(now() - began, readThroughMs)
  }

  /** A place from which it can be gone on: by then not much has to be read back, and a filling is not due at once. */
  const recent = (): TopicPlace | undefined =>
    place !== undefined && place.filledAt + refillMs > now() ? place : undefined

  /** Until the signal, or until something fails. */
  async function publish(publisher: NoticePublisher, held: AbortSignal): Promise<void> {
    const writer = await openTopicWriter({ ...options, publisher, reached: keep, wrote }, recent(), held)
    const over = new AbortController()
    const signal = AbortSignal.any([held, over.signal])
    const beats = createLatestOnly<Announcement>()
    const vouch = createConfirmation({
      writer,
      range: () => publisher.range(),
      readOn: (cursor) => startReadBack(options.readOn(cursor, signal), signal),
    })
    let failure: { readonly error: unknown } | undefined
    const fail = (error: unknown): void => void (failure ??= { error })
    const parts = [
      follow(writer, beats.put, signal),
      beats.run(vouch, signal),
      refill(writer, signal),
      readThrough(writer, signal),
    ]
    await Promise.all(parts.map((part) => part.catch(fail).finally(() => over.abort())))
    if (failure !== undefined) throw failure.error
  }

  /** Forgets where it was, durably: whoever restarts sends everything that matters. */
  async function forget(): Promise<void> {
    await places.settle()
    place = undefined
    await checkpoints.save(NAME, START)
    mustForget = false
  }

  async function once(held: AbortSignal): Promise<void> {
    if (mustForget) await forget()
    else place ??= readPlace(await checkpoints.load(NAME), options)
    const publisher = await options.openPublisher()
    try {
      await publish(publisher, held)
    } finally {
      state.isUp = false
      await publisher.close().catch(options.onError)
    }
  }

  async function again(held: AbortSignal): Promise<void> {
    const { first, longest } = options.backoffMs ?? BACKOFF_MS
    let wait = first
    while (!held.aborted) {
      const began = now()
      await once(held).catch(async (error: unknown) => {
        mustForget ||= error instanceof TopicTruncated
        if (held.aborted) return
        state.failures += 1
        options.onError(error)
        wait = now() - began > STEADY_MS ? first : Math.min(wait * 2, longest)
        await pause(wait * (0.5 + Math.random() / 2), undefined, { signal: held }).catch(() => undefined)
      })
    }
  }

  return {
    async run(held) {
      state.isRunning = true
      state.vouchedAt = now()
      await again(held)
      state.isRunning = false
      await places.settle()
    },

    waitUntilPublished: sent.reaches,

    state() {
      const since = state.isRunning ? options.waitingSince(place?.position ?? START) : undefined
      return { ...state, lagMs: since === undefined ? 0 : Math.max(0, now() - since) }
    },
  }
}
