import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { type EventReader, InvalidPosition, type Position, type RecordedEvent, START } from '@ledgate/eventsourcing'
import type { Build } from './build.ts'
import type { BuildRecord } from './build-records.ts'
import { isDamage } from './damage.ts'
import { messageOf } from './failure.ts'
import type { Kept } from './opening.ts'
import type { Batch } from './transaction.ts'
import { waiting } from './waiting.ts'

export interface FollowOptions {
  readonly reader: EventReader
  /** Events in one transaction at most. */
  readonly batch: number
  /** Milliseconds for which a new event waits for others, while nobody waits for it. */
  readonly lingerMs: number
  /** Whether somebody waits for the views to come further. */
  isAwaited(): boolean
  readonly kept: readonly Kept[]
  apply(batch: Batch, builds: readonly Build[]): void
  serve(record: BuildRecord): void
  drop(record: BuildRecord): void
  onProgress(): void
  onTrouble(kept: Kept): void
  /** Told once that the log is another one, or an older copy; nothing is applied from then on. */
  onForeign(error: InvalidPosition): void
  /** Told of each try of the subscription that failed, and that it says something again. */
  onUnheard(error: unknown): void
  onHeard(): void
  /** Told once that the file is damaged; nothing is applied from then on. */
  onDamage(error: unknown): void
}

/** The builds on their way through the log. */
export interface Following {
  /** Fed by the subscription, which has been at the end of the log at least once. */
  isLive(build: Build): boolean
  /** When the oldest event was written that is known and not applied to a live build, in milliseconds since the epoch. */
  oldestWaiting(): number | undefined
  /** Applies at once what waits for others. */
  hurry(): void
  /** Why nothing could be written or read just now. */
  failure(): string | undefined
  rebuild(kept: Kept): Promise<void>
  isClosed(): boolean
  close(): Promise<void>
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000
/** How long an event waits for a full batch while there is a whole log to come, of a log that gives its news in pages. */
const BEHIND_MS = 500

/** Starts to feed all builds: those that have come furthest by one subscription, the others until they meet it. */
export function follow(options: FollowOptions): Following {
  const { reader, batch, kept } = options
  const closing = new AbortController()
  const { signal } = closing
  const swaps = waiting()
  const tasks = new Set<Promise<void>>()
  const troubled = new Set<Build>()
  const all = kept.flatMap(({ live, candidate }) => [live, candidate]).filter((build) => build !== undefined)
  const live = { position: furthest(all), builds: new Set<Build>(), isCaughtUp: false }
  let failure: string | undefined
  let buffer: RecordedEvent[] = []
  let flushNow: (() => void) | undefined
  let unschedule = (): void => undefined

  function progressed(): void {
    promote()
    swaps.check()
    options.onProgress()
    for (const each of kept) {
      const build = [each.candidate, each.live].find((one) => one?.poison && !troubled.has(one))
      if (build === undefined) continue
      troubled.add(build)
      options.onTrouble(each)
    }
  }

  /** Serves what has caught up. */
  function promote(): void {
    if (!live.isCaughtUp) return
    for (const each of kept) {
      const { candidate, served } = each
      if (candidate === undefined || candidate.poison || !live.builds.has(candidate)) continue
      options.serve(candidate.record)
      if (each.live) live.builds.delete(each.live)
      Object.assign(each, { served: candidate.record, live: candidate, candidate: undefined })
      options.drop(served)
    }
  }

  /** Tries until it is done; `false` when closed before. */
  async function persist(attempt: () => void | Promise<void>): Promise<boolean> {
    for (let wait = FIRST_PAUSE_MS; !signal.aborted; wait = Math.min(wait * 2, LONGEST_PAUSE_MS)) {
      try {
        await attempt()
        if (!signal.aborted) failure = undefined
        return true
      } catch (error) {
        if (signal.aborted) return false
        const isNew = failure === undefined
        failure = messageOf(error)
        if (isNew) kept.forEach((each) => options.onTrouble(each))
        if (isDamage(error) || error instanceof InvalidPosition) {
          closing.abort()
          if (error instanceof InvalidPosition) options.onForeign(error)
          else options.onDamage(error)
          return false
        }
        await pause(wait, undefined, { signal }).catch(() => undefined)
      }
    }
    return false
  }

  const isGoing = (build: Build) => build.poison === undefined

  /** Applies what the subscription brought. The place and the rows move on in one step, so that nobody joins between. */
  async function flush(): Promise<void> {
    // What comes after this is put off anew.
    unschedule()
    await persist(() => {
      const last = buffer.at(-1)
      if (last === undefined) return
      options.apply({ after: live.position, events: buffer }, [...live.builds].filter(isGoing))
      live.position = last.position
      buffer = []
      failure = undefined // whoever waits for this place must not see the trouble before it
      progressed()
    })
  }

  async function subscribeOnce(): Promise<void> {
    const flushSoon = () => {
      if (flushNow !== undefined) return void (options.isAwaited() && flushNow())
      let ahead: NodeJS.Immediate | undefined
      const lingerMs = live.isCaughtUp ? options.lingerMs : Math.max(options.lingerMs, BEHIND_MS)
      const timer = setTimeout(() => flushNow?.(), lingerMs).unref()
      unschedule = () => {
        clearTimeout(timer)
        clearImmediate(ahead)
        flushNow = undefined
      }
      flushNow = () => {
        clearTimeout(timer)
        ahead ??= setImmediate(() => {
          flushNow = undefined
          if (!signal.aborted && failure === undefined) void flush()
        })
      }
      if (options.lingerMs === 0 || options.isAwaited()) flushNow()
    }
    let isUnheard = false
    const onFailure = (error: unknown): void => {
      isUnheard = true
      options.onUnheard(error)
    }
    for await (const message of reader.subscribe({ after: live.position, signal, onFailure })) {
      if (isUnheard) options.onHeard()
      isUnheard = false
      if (message.kind === 'event') {
        buffer.push(message.event)
        if (buffer.length < batch) flushSoon()
        else await flush().then(() => turn())
      } else {
        if (message.kind === 'caughtUp' && !live.isCaughtUp) {
          await flush()
          live.isCaughtUp = true
        }
        progressed()
      }
      if (signal.aborted) return
    }
  }

  async function followLive(): Promise<void> {
    while (!signal.aborted) {
      await persist(async () => {
        buffer = []
        await subscribeOnce()
        if (!signal.aborted) throw new Error('the log ended the subscription')
      })
    }
  }

  async function readBatch(after: Position, through: Position): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = []
    for await (const event of reader.readAll({ after, max: batch })) {
      if (event.position > through) break
      events.push(event)
    }
    return events
  }

  /** Feeds builds that stand at one place, until they meet the subscription and join it. */
  async function catchUp(builds: readonly Build[]): Promise<void> {
    let position = builds[0]?.progress.position ?? START
    while (!signal.aborted && builds.some(isGoing)) {
      if (position === live.position) {
        for (const build of builds.filter(isGoing)) live.builds.add(build)
        await persist(progressed)
        return
      }
      const through = live.position
      await persist(async () => {
        const events = await readBatch(position, through)
        const last = events.at(-1)
        // The subscription brought the event at `through`: a log without it is not all of the log.
        if (last === undefined) throw new Error('the log holds less than it has told')
        options.apply({ after: position, events }, builds.filter(isGoing))
        position = last.position
        progressed()
      })
      await turn()
    }
  }

  function start(task: Promise<void>): void {
    tasks.add(task)
    void task.finally(() => tasks.delete(task))
  }

  const places = Map.groupBy(all, ({ progress }) => progress.position)
  for (const build of places.get(live.position) ?? []) live.builds.add(build)
  places.delete(live.position)
  start(followLive())
  for (const builds of places.values()) start(catchUp(builds))

  return {
    isLive: (build) => live.isCaughtUp && live.builds.has(build),
    oldestWaiting: () => buffer[0]?.created,
    hurry: () => flushNow?.(),
    failure: () => failure,
    isClosed: () => signal.aborted,

    async rebuild(each) {
      const wanted = each.candidate ?? each.begin()
      if (each.candidate === undefined) {
        each.candidate = wanted
        start(catchUp([wanted]))
      }
      const isServed = await swaps.until(() => {
        if (each.live === wanted) return true
        return wanted.poison || signal.aborted ? false : undefined
      })
      if (isServed) return
      const { poison } = wanted
      if (poison && each.live) {
        each.candidate = undefined
        options.drop(wanted.record)
      }
      throw new Error(
        poison ? `${each.name} stopped at ${poison.position}: ${poison.cause}` : 'the projector was closed',
      )
    },

    async close() {
      closing.abort()
      await Promise.all(tasks)
      swaps.end()
    },
  }
}

function furthest(builds: readonly Build[]): Position {
  return builds.reduce<Position>((most, { progress }) => (progress.position > most ? progress.position : most), START)
}
