import { EventEmitter } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { InvalidPosition, type Position, Unavailable } from '@ledgate/eventsourcing'
import { ANSWERED_WITHIN_MS, encodeStatement, HEARTBEAT_EVERY_MS, type IssuedStatement } from '@ledgate/revocation'
import { decode, type DomainRecord } from '../catalogue/index.ts'
import { CREDENTIAL_TYPES } from '../client-authentication/index.ts'
import type { Announcement } from './announcement.ts'
import type { FeedOptions } from './feed-options.ts'
import { type InOrder, deliverInOrder } from './in-order.ts'
import { createListeners, type Listeners } from './listeners.ts'
import { ENDING_TYPES, noticeOf } from './notice.ts'
import { PositionExpired } from './position-expired.ts'
import { createProgress } from './publishing-progress.ts'
import { createRing, type Ring } from './ring.ts'

/** Revocations as they happen: every notice of the log once, in its order, and heartbeats between them. */
export interface RevocationFeed {
  /**
   * Every notice after a position, in order, followed by new ones, until the signal. Without a position: a heartbeat, and
   * everything after the position that it confirms.
   *
   * @throws {PositionExpired} if the notices after the position are no longer retained.
   * @throws {TooSlow} if the reader falls behind.
   */
  follow(after: Position | undefined, signal: AbortSignal): AsyncIterable<Announcement>
  /**
   * Whether a reader can start after a position: not before what is retained, nor beyond the end of the log.
   *
   * @throws {Unavailable} if the feed has not started yet.
   */
  keeps(after: Position): Promise<boolean>
  /** When the oldest notice after a position was published, in milliseconds since the epoch; `undefined` if there is none. */
  waitingSince(after: Position): number | undefined
  /** Whether everything up to a position has been published within so many milliseconds. */
  waitUntilAnnounced(position: Position, ms: number): Promise<boolean>
  /** The notice of the event at a position, while it is retained. */
  noticeAt(position: Position): Announcement | undefined
  /** Calls back whenever the credentials of a resource server may have been revoked, until the signal. */
  onCredentials(changed: () => void, signal: AbortSignal): void
  state(): FeedState
  /** Follows the log until the signal. */
  run(signal: AbortSignal): Promise<void>
}

export interface FeedState {
  /** The time of the newest heartbeat, in milliseconds since the epoch; the time of the start before the first one. */
  readonly vouchedAt: number
  /** How many readers follow the feed. */
  readonly followers: number
}

/** The event types that revoke something, that change how long a revocation is published, or that change credentials. */
const FOLLOWED_TYPES = [...ENDING_TYPES, 'TokenCapRaised', ...CREDENTIAL_TYPES]
const SIZE = 20_000
const KEEP_MS = 600_000
const MOST = 10_000
/** Notices that may be signed and not yet published. */
const SIGNING = 64
const AGAIN_MS = 1_000
const BEGINS_WITHIN_MS = 5_000

/** A heartbeat that waits until the subscription has passed its position. */
interface Beat {
  readonly through: Position
  /** Milliseconds since the epoch, taken before the position was obtained. */
  readonly at: number
}

/** A subscription to the log: how far it has read, the last notice it queued, and the queue of statements being signed. */
interface Reading {
  position: Position
  predecessor: Position
  readonly queue: InOrder<Announcement>
}

/** The values that decide how a notice is made; they only rise, so events raise them after they were read. */
interface NoticeContext {
  issuerEpoch: number
  tokenCap: number
}

function raise(context: NoticeContext, event: DomainRecord): void {
  if (event.type === 'IssuerEpochRaised')
    context.issuerEpoch = Math.max(context.issuerEpoch, event.data.installation.issuer_epoch)
  if (event.type === 'TokenCapRaised') context.tokenCap = Math.max(context.tokenCap, event.data.seconds)
}

const isCredentialChange = ({ type }: DomainRecord): boolean => CREDENTIAL_TYPES.some((each) => each === type)

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Opens a feed that starts to follow the log when it is run. */
export const openRevocationFeed = (options: FeedOptions): RevocationFeed => new LogFeed(options)

/**
 * Turns events that revoke something into signed notices as soon as they are in the log. Everything that a heartbeat confirms
 * is published before it: the heartbeat enters the same queue, behind the last notice that the subscription delivered before it
 * passed the heartbeat's position.
 */
class LogFeed implements RevocationFeed {
  readonly #options: FeedOptions
  readonly #retained: Ring
  readonly #listeners: Listeners
  readonly #progress = createProgress()
  readonly #credentials = new EventEmitter().setMaxListeners(0)
  readonly #started = Promise.withResolvers<void>()
  /** The keys that signed what is retained. */
  readonly #kids = new Set<string>()
  #delivered: Position | undefined
  /** The position of the last notice, or of the start: no notice lies between it and the next one. */
  #lastNotice: Position | undefined
  #heartbeat: Announcement | undefined
  #vouchedAt: number
  #firstHeartbeat = Promise.withResolvers<void>()
  #beat: { readonly due: Beat; readonly done: () => void } | undefined
  #reading: Reading | undefined

  constructor(options: FeedOptions) {
    this.#options = options
    this.#retained = createRing({ size: options.size ?? SIZE, keepMs: KEEP_MS, now: options.clock.nowMs })
    this.#listeners = createListeners(options.most ?? MOST)
    this.#vouchedAt = options.clock.nowMs()
  }

  async *follow(after: Position | undefined, signal: AbortSignal): AsyncGenerator<Announcement, void> {
    const stopped = aborted(signal)
    await Promise.race([this.#started.promise, stopped])
    if (after === undefined) await Promise.race([this.#firstHeartbeat.promise, stopped])
    if (signal.aborted) return
    const position = after ?? this.#heartbeat?.position
    const missed = position === undefined ? undefined : this.#retained.after(position)
    if (position === undefined || missed === undefined) throw new PositionExpired()
    const vouched = this.#heartbeat !== undefined && this.#heartbeat.position >= position ? [this.#heartbeat] : []
    yield* this.#listeners.listen(after === undefined ? [...vouched, ...missed] : [...missed, ...vouched], signal)
  }

  async keeps(after: Position): Promise<boolean> {
    await Promise.race([this.#started.promise, pause(BEGINS_WITHIN_MS, undefined, { ref: false })])
    if (this.#delivered === undefined) throw new Unavailable('the revocation feed has not started')
    // Another replica may be slightly ahead; a position further ahead is from another log, before a restore.
    return this.#retained.after(after) !== undefined && (await this.#progress.reaches(after, ANSWERED_WITHIN_MS))
  }

  waitingSince(after: Position): number | undefined {
    return this.#retained.since(after)
  }

  waitUntilAnnounced(position: Position, ms: number): Promise<boolean> {
    return this.#progress.reaches(position, ms)
  }

  noticeAt(position: Position): Announcement | undefined {
    return this.#retained.at(position)
  }

  onCredentials(changed: () => void, signal: AbortSignal): void {
    this.#credentials.on('changed', changed)
    signal.addEventListener('abort', () => this.#credentials.off('changed', changed), { once: true })
  }

  state(): FeedState {
    return { vouchedAt: this.#vouchedAt, followers: this.#listeners.size() }
  }

  async run(signal: AbortSignal): Promise<void> {
    const reads = this.#repeat(signal, this.#options.againMs ?? AGAIN_MS, () => this.#readOn(signal))
    const beats = this.#repeat(signal, this.#options.everyMs ?? HEARTBEAT_EVERY_MS, () => this.#beatOnce(signal))
    await aborted(signal)
    this.#beat?.done()
    await Promise.all([reads, beats])
  }

  async #repeat(signal: AbortSignal, ms: number, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await work().catch((error: unknown) => void (signal.aborted || this.#options.onError(error)))
      await pause(ms, undefined, { signal }).catch(() => {})
    }
  }

  async #readOn(signal: AbortSignal): Promise<void> {
    this.#delivered ??= await this.#start()
    await this.#read(this.#delivered, signal).catch((error: unknown) => {
      if (error instanceof InvalidPosition) this.#forgetPosition()
      throw error
    })
  }

  async #start(): Promise<Position> {
    const head = await this.#options.store.head()
    this.#delivered = this.#lastNotice = head
    this.#retained.begin(head)
    this.#progress.reach(head)
    this.#started.resolve()
    return head
  }

  async #read(after: Position, signal: AbortSignal): Promise<void> {
    const failed = new AbortController()
    let failure: { readonly error: unknown } | undefined
    const queue = deliverInOrder({
      deliver: (item: Announcement) => this.#deliver(item),
      ahead: SIGNING,
      onFailure(error) {
        failure = { error }
        failed.abort()
      },
    })
    const reading = { position: after, predecessor: this.#lastNotice ?? after, queue }
    this.#reading = reading
    try {
      await this.#readInto(reading, AbortSignal.any([signal, failed.signal]))
    } finally {
      this.#reading = undefined
      await queue.settled()
    }
    if (failure !== undefined) throw failure.error
  }

  async #readInto(reading: Reading, signal: AbortSignal): Promise<void> {
    const { store, hearing } = this.#options
    // As of after the position; whatever raises them from there on is delivered by the subscription.
    const [issuerEpoch, tokenCap] = await Promise.all([this.#options.issuerEpoch(), this.#options.tokenCap()])
    const context = { issuerEpoch, tokenCap }
    const onFailure = (error: unknown): void => hearing?.failed(error)
    const wanted = { after: reading.position, filter: { types: FOLLOWED_TYPES }, signal, onFailure }
    for await (const message of store.subscribe(wanted)) {
      hearing?.heard()
      const event = message.kind === 'event' ? decode(message.event) : undefined
      if (event !== undefined) await this.#take(event, reading, context)
      reading.position = message.kind === 'event' ? message.event.position : message.position
      this.#beatIfPassed()
    }
  }

  async #take(event: DomainRecord, reading: Reading, context: NoticeContext): Promise<void> {
    if (isCredentialChange(event)) this.#credentials.emit('changed')
    raise(context, event)
    const notice = noticeOf(event, { issuer: this.#options.issuer, ...context })
    if (notice === undefined) return
    const { predecessor } = reading
    reading.predecessor = event.position
    await reading.queue.push(this.#sign({ ...notice, predecessor }, event.position))
  }

  async #sign(
    statement: IssuedStatement & { kind: 'notice' | 'heartbeat' },
    position: Position,
  ): Promise<Announcement> {
    const { keys, issuer, clock } = this.#options
    const { signer } = await keys.read()
    const jws = await encodeStatement(statement, { issuer, signer, now: clock.nowMs })
    this.#kids.add(signer.kid)
    return { jws, position, kind: statement.kind }
  }

  #deliver(item: Announcement): void {
    if (item.kind === 'notice') {
      this.#delivered = this.#lastNotice = item.position
      this.#retained.add(item)
    } else {
      this.#heartbeat = item
      // Everything up to its position was delivered: a restarted subscription can start there.
      if (this.#delivered === undefined || item.position > this.#delivered) this.#delivered = item.position
      this.#firstHeartbeat.resolve()
    }
    this.#listeners.tell(item)
    this.#progress.reach(item.position)
  }

  async #beatOnce(signal: AbortSignal): Promise<void> {
    await this.#forgetInvalid()
    const at = this.#options.clock.nowMs()
    const through = await this.#options.readBarrier()
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      this.#beat = { due: { through, at }, done: resolve }
      this.#beatIfPassed()
    })
  }

  /** Queues the waiting heartbeat once everything before it is queued. */
  #beatIfPassed(): void {
    const [beat, reading] = [this.#beat, this.#reading]
    if (beat === undefined || reading === undefined || reading.position < beat.due.through) return
    const { due, done } = beat
    this.#beat = undefined
    const heartbeat = { kind: 'heartbeat', ...due, predecessor: reading.predecessor } as const
    void reading.queue.push(this.#sign(heartbeat, due.through))
    this.#vouchedAt = due.at
    done()
  }

  /** Forgets everything that a compromised key signed: readers no longer accept it. */
  async #forgetInvalid(): Promise<void> {
    const { publicKey } = await this.#options.keys.read()
    if ([...this.#kids].every((kid) => publicKey(kid) !== undefined)) return
    const head = await this.#options.store.head()
    this.#kids.clear()
    this.#heartbeat = undefined
    this.#firstHeartbeat = Promise.withResolvers()
    // What was published while the head was read is not retained, either.
    this.#retained.begin(this.#delivered !== undefined && this.#delivered > head ? this.#delivered : head)
    this.#listeners.cut()
  }

  /** The log does not reach this feed's position: it was restored. Readers start from a snapshot of the new log. */
  #forgetPosition(): void {
    this.#delivered = this.#lastNotice = this.#heartbeat = undefined
    this.#firstHeartbeat = Promise.withResolvers()
    this.#listeners.cut()
  }
}
