import { EventEmitter } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { type EventStore, InvalidPosition, type Position, Unavailable } from '@ledgate/eventsourcing'
import {
  ANSWERED_WITHIN_MS,
  encodeStatement,
  HEARTBEAT_EVERY_MS,
  type IssuedStatement,
  type StatementSigner,
} from '@ledgate/revocation'
import { CREDENTIAL_TYPES } from '../client-authentication/index.ts'
import { type Clock } from '../log/index.ts'
import { type InOrder, deliverInOrder } from './in-order.ts'
import { createListeners } from './listeners.ts'
import { ENDING_TYPES, noticeOf } from './notice.ts'
import { PositionExpired } from './position-expired.ts'
import { createProgress } from './publishing-progress.ts'
import { createRing } from './ring.ts'
import type { Announcement } from './announcement.ts'
import { decode } from '../catalogue/index.ts'

/** The keys of the feed as the log says, never older than the call. */
export interface FeedKeys {
  read(): Promise<{
    readonly signer: StatementSigner
    /** Whether what a key signed is still believed. */
    publicKey(kid: string): unknown
  }>
}

export interface FeedOptions {
  readonly store: Pick<EventStore, 'subscribe' | 'head'>
  /** A place at the end of the log, to which every subscription comes: nothing acknowledged before the call is after it. */
  pulse(): Promise<Position>
  readonly keys: FeedKeys
  readonly issuer: string
  /** The epoch of the issuer as the log has it when it is asked for, or later. */
  issuerEpoch(): Promise<number>
  /** The longest life that any access token was ever allowed, in seconds, as the log has it when it is asked for, or later. */
  tokenCap(): Promise<number>
  readonly clock: Clock
  /** Told how the subscription fares. */
  readonly hearing?: { failed(error: unknown): void; heard(): void } | undefined
  /** Told of what failed; it is tried again. */
  onError(error: unknown): void
  /** Milliseconds between two heartbeats; 1,000 unless told. */
  readonly everyMs?: number
  /** Milliseconds after which a subscription that broke is begun again; 1,000 unless told. */
  readonly againMs?: number
  /** Notices that are kept for those who come back; 20,000 unless told. */
  readonly size?: number
  /** Items that may wait for one reader; 10,000 unless told. */
  readonly most?: number
}

/** What has ended, as it happens: every notice of the log once, in its order, and heartbeats between them. */
export interface RevocationFeed {
  /**
   * Every notice after a place, in order, and whatever comes, until the signal. Without a place: a heartbeat, and everything
   * after what it vouches for.
   *
   * @throws {PositionExpired} when the notices of then are not kept any more.
   * @throws {TooSlow} when it is not taken for long.
   */
  follow(after: Position | undefined, signal: AbortSignal): AsyncIterable<Announcement>
  /**
   * Whether it would begin after a place: not before what is kept, nor beyond the end of the log.
   *
   * @throws {Unavailable} when it has not begun itself yet.
   */
  keeps(after: Position): Promise<boolean>
  /** When the oldest notice after a place was there, in milliseconds since the epoch; `undefined` when there is none. */
  waitingSince(after: Position): number | undefined
  /** Whether it has told of everything up to a place within so many milliseconds. */
  waitUntilAnnounced(position: Position, ms: number): Promise<boolean>
  /** The notice of the event at a place, while it is kept. */
  noticeAt(position: Position): Announcement | undefined
  /** Calls back whenever the credentials of a resource server may have ended, until the signal. */
  onCredentials(changed: () => void, signal: AbortSignal): void
  state(): FeedState
  /** Follows the log until the signal. */
  run(signal: AbortSignal): Promise<void>
}

export interface FeedState {
  /** Of the newest heartbeat, in milliseconds since the epoch; of the beginning while there is none. */
  readonly vouchedAt: number
  /** How many follow it. */
  readonly followers: number
}

/** What ends something, for how long that is told, and what may end the credentials of those who follow. */
const FOLLOWED_TYPES = [...ENDING_TYPES, 'TokenCapRaised', ...CREDENTIAL_TYPES]
const SIZE = 20_000
const KEEP_MS = 600_000
const MOST = 10_000
/** Notices that may be signed and not yet told of. */
const SIGNING = 64
const AGAIN_MS = 1_000
const BEGINS_WITHIN_MS = 5_000
/** A heartbeat that waits for the subscription to pass its place. */
interface Beat {
  readonly through: Position
  /** Milliseconds since the epoch, taken before the place was asked for. */
  readonly at: number
}

/**
 * Turns the events that end something into signed notices, the moment they are in the log. What a heartbeat vouches for is in
 * front of it: it is put into the same queue, behind the last notice that the subscription gave before it passed the place.
 */
export function openRevocationFeed(options: FeedOptions): RevocationFeed {
  const { store, pulse, keys, issuer, clock, onError } = options
  const kept = createRing({ size: options.size ?? SIZE, keepMs: KEEP_MS, now: clock.nowMs })
  const audience = createListeners(options.most ?? MOST)
  const begun = Promise.withResolvers<void>()
  const kids = new Set<string>()
  const telling = createProgress()
  const credentials = new EventEmitter().setMaxListeners(0)
  let delivered: Position | undefined
  /** Where the last notice stands that was told of, or where the feed began: there is none between that and what comes next. */
  let lastNotice: Position | undefined
  let heartbeat: Announcement | undefined
  let vouchedAt = clock.nowMs()
  let firstHeartbeat = Promise.withResolvers<void>()
  let beat: { readonly due: Beat; readonly done: () => void } | undefined
  let reading: { position: Position; predecessor: Position; readonly queue: InOrder<Announcement> } | undefined

  async function signed(
    statement: IssuedStatement & { kind: 'notice' | 'heartbeat' },
    position: Position,
  ): Promise<Announcement> {
    const { signer } = await keys.read()
    const jws = await encodeStatement(statement, { issuer, signer, now: clock.nowMs })
    kids.add(signer.kid)
    return { jws, position, kind: statement.kind }
  }

  function deliver(item: Announcement): void {
    if (item.kind === 'notice') {
      delivered = lastNotice = item.position
      kept.add(item)
    } else {
      heartbeat = item
      // Everything up to its place was delivered: whoever begins again need not look there.
      if (delivered === undefined || item.position > delivered) delivered = item.position
      firstHeartbeat.resolve()
    }
    audience.tell(item)
    telling.reach(item.position)
  }

  /** Puts the heartbeat that waits into the queue, if everything before it is in there. */
  function beatIfPassed(): void {
    if (beat === undefined || reading === undefined || reading.position < beat.due.through) return
    const { due, done } = beat
    beat = undefined
    void reading.queue.push(signed({ kind: 'heartbeat', ...due, predecessor: reading.predecessor }, due.through))
    vouchedAt = due.at
    done()
  }

  async function read(after: Position, signal: AbortSignal): Promise<void> {
    const broken = new AbortController()
    let failure: { readonly error: unknown } | undefined
    const queue = deliverInOrder({
      deliver,
      ahead: SIGNING,
      onFailure(error) {
        failure = { error }
        broken.abort()
      },
    })
    const current = { position: after, predecessor: lastNotice ?? after, queue }
    reading = current
    const until = AbortSignal.any([signal, broken.signal])
    try {
      // As of after the place; what raises them from there on comes by the subscription.
      let [issuerEpoch, tokenCap] = await Promise.all([options.issuerEpoch(), options.tokenCap()])
      const onFailure = (error: unknown): void => options.hearing?.failed(error)
      const wanted = { after, filter: { types: FOLLOWED_TYPES }, signal: until, onFailure }
      for await (const message of store.subscribe(wanted)) {
        options.hearing?.heard()
        const event = message.kind === 'event' ? decode(message.event) : undefined
        if (event !== undefined && CREDENTIAL_TYPES.some((type) => type === event.type)) credentials.emit('changed')
        if (event?.type === 'IssuerEpochRaised')
          issuerEpoch = Math.max(issuerEpoch, event.data.installation.issuer_epoch)
        if (event?.type === 'TokenCapRaised') tokenCap = Math.max(tokenCap, event.data.seconds)
        const notice = event && noticeOf(event, { issuer, issuerEpoch, tokenCap })
        if (event !== undefined && notice !== undefined) {
          const { predecessor } = current
          current.predecessor = event.position
          await queue.push(signed({ ...notice, predecessor }, event.position))
        }
        current.position = message.kind === 'event' ? message.event.position : message.position
        beatIfPassed()
      }
    } finally {
      reading = undefined
      await queue.settled()
    }
    if (failure !== undefined) throw failure.error
  }

  /** Forgets what was signed by a key that somebody else may have: nobody believes it any more. */
  async function forgetUnbelieved(): Promise<void> {
    const { publicKey } = await keys.read()
    if ([...kids].every((kid) => publicKey(kid) !== undefined)) return
    const head = await store.head()
    kids.clear()
    heartbeat = undefined
    firstHeartbeat = Promise.withResolvers()
    // What was told while the end was asked for is not kept, either.
    kept.begin(delivered !== undefined && delivered > head ? delivered : head)
    audience.cut()
  }

  /** The log does not come to where this one was: it was restored. Whoever reads begins with a snapshot of what there is. */
  function forgetPlace(): void {
    delivered = lastNotice = heartbeat = undefined
    firstHeartbeat = Promise.withResolvers()
    audience.cut()
  }

  async function beatOnce(signal: AbortSignal): Promise<void> {
    await forgetUnbelieved()
    const at = clock.nowMs()
    const through = await pulse()
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      beat = { due: { through, at }, done: resolve }
      beatIfPassed()
    })
  }

  async function again(signal: AbortSignal, ms: number, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await work().catch((error: unknown) => void (signal.aborted || onError(error)))
      await pause(ms, undefined, { signal }).catch(() => {})
    }
  }

  async function readOn(signal: AbortSignal): Promise<void> {
    if (delivered === undefined) {
      delivered = lastNotice = await store.head()
      kept.begin(delivered)
      telling.reach(delivered)
      begun.resolve()
    }
    await read(delivered, signal).catch((error: unknown) => {
      if (error instanceof InvalidPosition) forgetPlace()
      throw error
    })
  }

  const ended = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })

  async function* follow(after: Position | undefined, signal: AbortSignal): AsyncGenerator<Announcement, void> {
    const stopped = ended(signal)
    await Promise.race([begun.promise, stopped])
    if (after === undefined) await Promise.race([firstHeartbeat.promise, stopped])
    if (signal.aborted) return
    const place = after ?? heartbeat?.position
    const missed = place === undefined ? undefined : kept.after(place)
    if (place === undefined || missed === undefined) throw new PositionExpired()
    const vouched = heartbeat !== undefined && heartbeat.position >= place ? [heartbeat] : []
    yield* audience.listen(after === undefined ? [...vouched, ...missed] : [...missed, ...vouched], signal)
  }

  return {
    follow,
    async keeps(after) {
      await Promise.race([begun.promise, pause(BEGINS_WITHIN_MS, undefined, { ref: false })])
      if (delivered === undefined) throw new Unavailable('the revocation feed has not started')
      // Another replica may be a little ahead; further on there is only what another log had, before it was restored.
      return kept.after(after) !== undefined && (await telling.reaches(after, ANSWERED_WITHIN_MS))
    },
    waitingSince: kept.since,
    waitUntilAnnounced: telling.reaches,
    noticeAt: kept.at,
    onCredentials(changed, signal) {
      credentials.on('changed', changed)
      signal.addEventListener('abort', () => credentials.off('changed', changed), { once: true })
    },
    state: () => ({ vouchedAt, followers: audience.size() }),
    async run(signal) {
      const reads = again(signal, options.againMs ?? AGAIN_MS, () => readOn(signal))
      const beats = again(signal, options.everyMs ?? HEARTBEAT_EVERY_MS, () => beatOnce(signal))
      await ended(signal)
      beat?.done()
      await Promise.all([reads, beats])
    },
  }
}
