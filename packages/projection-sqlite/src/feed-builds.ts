import { setImmediate as turn } from 'node:timers/promises'
import { type EventReader, InvalidPosition, type Position, type RecordedEvent, START } from '@ledgate/eventsourcing'
import type { Build } from './build.ts'
import type { BuildRecord } from './build-records.ts'
import { Condition } from './condition.ts'
import { isDamage } from './damage.ts'
import { FlushTimer } from './flush-timer.ts'
import type { ProjectionBuilds } from './open-builds.ts'
import { RetryLoop } from './retry-loop.ts'
import type { Batch } from './transaction.ts'

export interface FeedOptions {
  readonly reader: EventReader
  /** The largest number of events in one transaction. */
  readonly batch: number
  /** Milliseconds for which a new event waits for others, unless a reader waits for it. */
  readonly lingerMs: number
  /** Whether a reader waits for the views to reach a position. */
  isAwaited(): boolean
  readonly projections: readonly ProjectionBuilds[]
  apply(batch: Batch, builds: readonly Build[]): void
  serve(record: BuildRecord): void
  drop(record: BuildRecord): void
  onProgress(): void
  onTrouble(projection: ProjectionBuilds): void
  /** Called once when the log is a different one, or an older copy; no event is applied after that. */
  onForeign(error: InvalidPosition): void
  /** Called for each attempt of the subscription that failed. */
  onUnheard(error: unknown): void
  /** Called when the subscription delivers again. */
  onHeard(): void
  /** Called once when the file is damaged; no event is applied after that. */
  onDamage(error: unknown): void
}

/** How long an event waits for a full batch while the projector is far behind, for a log that delivers page by page. */
const BEHIND_MS = 500

/** Starts to feed all builds: those that have come furthest from one subscription, the others until they reach it. */
export function feedBuilds(options: FeedOptions): BuildFeed {
  const feed = new BuildFeed(options)
  feed.start()
  return feed
}

/** Feeds the builds of all projections with the events of the log. */
export class BuildFeed {
  readonly #options: FeedOptions
  readonly #closing = new AbortController()
  readonly #promotion = new Condition()
  readonly #tasks = new Set<Promise<void>>()
  readonly #reported = new Set<Build>()
  readonly #retries: RetryLoop
  readonly #flushTimer: FlushTimer
  /** The builds that the subscription feeds. */
  readonly #live = new Set<Build>()
  /** How far the subscription's events have been applied. */
  #position: Position = START
  /** Whether the subscription has reached the end of the log. */
  #isCaughtUp = false
  /** Delivered by the subscription and not yet applied. */
  #buffer: RecordedEvent[] = []

  constructor(options: FeedOptions) {
    this.#options = options
    this.#retries = new RetryLoop(this.#closing.signal, (error, isFirst) => this.#onFailed(error, isFirst))
    this.#flushTimer = new FlushTimer(() => {
      if (!this.#isClosed && this.#retries.failure === undefined) void this.#flush()
    })
  }

  start(): void {
    const all = this.#options.projections.flatMap(({ live, candidate }) => [live, candidate].filter(isBuild))
    const byPosition = Map.groupBy(all, ({ progress }) => progress.position)
    for (const position of byPosition.keys()) if (position > this.#position) this.#position = position
    for (const build of byPosition.get(this.#position) ?? []) this.#live.add(build)
    byPosition.delete(this.#position)
    this.#run(this.#feedLive())
    for (const builds of byPosition.values()) this.#run(this.#catchUp(builds))
  }

  /** Whether the subscription feeds the build and has reached the end of the log at least once. */
  isLive(build: Build): boolean {
    return this.#isCaughtUp && this.#live.has(build)
  }

  /** When the oldest event was written that is not yet applied to the live builds, in milliseconds since the epoch. */
  oldestWaiting(): number | undefined {
    return this.#buffer[0]?.created
  }

  /** Applies at once the events that wait for others. */
  hurry(): void {
    this.#flushTimer.hurry()
  }

  /** Why the last read or write failed; `undefined` after one that succeeded. */
  failure(): string | undefined {
    return this.#retries.failure
  }

  isClosed(): boolean {
    return this.#isClosed
  }

  /** @throws {Error} when the new build stopped at a poison event, or the feed was closed. */
  async rebuild(projection: ProjectionBuilds): Promise<void> {
    const wanted = projection.candidate ?? projection.begin()
    if (projection.candidate === undefined) {
      projection.candidate = wanted
      this.#run(this.#catchUp([wanted]))
    }
    const isServed = await this.#promotion.until(() => {
      if (projection.live === wanted) return true
      return wanted.poison || this.#isClosed ? false : undefined
    })
    if (isServed) return
    const { poison } = wanted
    if (poison && projection.live) {
      projection.candidate = undefined
      this.#options.drop(wanted.record)
    }
    throw new Error(
      poison ? `${projection.name} stopped at ${poison.position}: ${poison.cause}` : 'the projector was closed',
    )
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#tasks)
    this.#promotion.end()
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  #run(task: Promise<void>): void {
    this.#tasks.add(task)
    void task.finally(() => this.#tasks.delete(task))
  }

  #onFailed(error: unknown, isFirst: boolean): void {
    if (isFirst) this.#options.projections.forEach((projection) => this.#options.onTrouble(projection))
    if (error instanceof InvalidPosition) {
      this.#closing.abort()
      this.#options.onForeign(error)
    } else if (isDamage(error)) {
      this.#closing.abort()
      this.#options.onDamage(error)
    }
  }

  async #feedLive(): Promise<void> {
    while (!this.#isClosed) {
      await this.#retries.run(async () => {
        this.#buffer = []
        await this.#subscribe()
        if (!this.#isClosed) throw new Error('the log ended the subscription')
      })
    }
  }

  async #subscribe(): Promise<void> {
    const { reader, batch, onUnheard, onHeard } = this.#options
    let isUnheard = false
    const onFailure = (error: unknown): void => {
      isUnheard = true
      onUnheard(error)
    }
    const { signal } = this.#closing
    for await (const message of reader.subscribe({ after: this.#position, signal, onFailure })) {
      if (isUnheard) onHeard()
      isUnheard = false
      if (message.kind === 'event') {
        this.#buffer.push(message.event)
        if (this.#buffer.length < batch) this.#flushSoon()
        else await this.#flush().then(() => turn())
      } else {
        if (message.kind === 'caughtUp' && !this.#isCaughtUp) {
          await this.#flush()
          this.#isCaughtUp = true
        }
        this.#progressed()
      }
      if (signal.aborted) return
    }
  }

  #flushSoon(): void {
    const { lingerMs, isAwaited } = this.#options
    this.#flushTimer.schedule(this.#isCaughtUp ? lingerMs : Math.max(lingerMs, BEHIND_MS))
    if (lingerMs === 0 || isAwaited()) this.#flushTimer.hurry()
  }

  /** Applies what the subscription delivered. Position and rows change in one step, so that no build joins in between. */
  async #flush(): Promise<void> {
    this.#flushTimer.cancel()
    await this.#retries.run(() => {
      const last = this.#buffer.at(-1)
      if (last === undefined) return
      this.#options.apply({ after: this.#position, events: this.#buffer }, [...this.#live].filter(isHealthy))
      this.#position = last.position
      this.#buffer = []
      // A reader that waits for this position must not see the failure before it.
      this.#retries.succeeded()
      this.#progressed()
    })
  }

  /** Feeds builds that are at the same position, until they reach the position of the subscription and join it. */
  async #catchUp(builds: readonly Build[]): Promise<void> {
    let position = builds[0]?.progress.position ?? START
    while (!this.#isClosed && builds.some(isHealthy)) {
      if (position === this.#position) {
        for (const build of builds.filter(isHealthy)) this.#live.add(build)
        await this.#retries.run(() => this.#progressed())
        return
      }
      const through = this.#position
      await this.#retries.run(async () => {
        const events = await this.#readBatch(position, through)
        const last = events.at(-1)
        // The subscription delivered the event at `through`: a log that does not return it is incomplete.
        if (last === undefined)
          throw new Error('a read of the log ended before an event that its subscription delivered')
        this.#options.apply({ after: position, events }, builds.filter(isHealthy))
        position = last.position
        this.#progressed()
      })
      await turn()
    }
  }

  async #readBatch(after: Position, through: Position): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = []
    for await (const event of this.#options.reader.readAll({ after, max: this.#options.batch })) {
      if (event.position > through) break
      events.push(event)
    }
    return events
  }

  #progressed(): void {
    if (this.#isCaughtUp) this.#options.projections.forEach((projection) => this.#promote(projection))
    this.#promotion.check()
    this.#options.onProgress()
    this.#options.projections.forEach((projection) => this.#reportPoison(projection))
  }

  /** Serves the candidate once it has caught up. */
  #promote(projection: ProjectionBuilds): void {
    const { candidate, live, served } = projection
    if (candidate === undefined || candidate.poison || !this.#live.has(candidate)) return
    this.#options.serve(candidate.record)
    if (live) this.#live.delete(live)
    Object.assign(projection, { served: candidate.record, live: candidate, candidate: undefined })
    this.#options.drop(served)
  }

  #reportPoison(projection: ProjectionBuilds): void {
    const build = [projection.candidate, projection.live].find((one) => one?.poison && !this.#reported.has(one))
    if (build === undefined) return
    this.#reported.add(build)
    this.#options.onTrouble(projection)
  }
}

const isBuild = (build: Build | undefined): build is Build => build !== undefined
const isHealthy = (build: Build): boolean => build.poison === undefined
