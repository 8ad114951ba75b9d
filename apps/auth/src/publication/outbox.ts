import { setTimeout as pause } from 'node:timers/promises'
import { type Checkpoints, type Position, START } from '@ledgate/eventsourcing'
import type { NoticePublisher, Publication } from '@ledgate/revocation'
import { collected } from './collected.ts'
import { marks } from './marks.ts'
import { isLost, placeText, readPlace, type TopicPlace } from './topic-place.ts'

/** Everything that still matters of the notices after a place. */
export interface LiveSet {
  /** Where the log ended when it was asked for. */
  readonly through: Position
  /** Signed by the key of today, in the order of the log, batch by batch. */
  readonly batches: AsyncIterable<readonly Publication[]>
}

export interface OutboxOptions {
  /** Notices and heartbeats after a place, in order. @throws {Gone} when it does not go back so far. */
  follow(after: Position, signal: AbortSignal): AsyncIterable<Publication>
  liveSet(after: Position): Promise<LiveSet>
  /** When the oldest notice after a place was there, in milliseconds since the epoch; `undefined` when there is none. */
  waitingSince(after: Position): number | undefined
  /** The key that signs today. */
  kid(): string
  openPublisher(): Promise<NoticePublisher>
  readonly checkpoints: Checkpoints
  /** Milliseconds after which no notice matters any more. */
  readonly keepMs: number
  /** Milliseconds since the epoch. */
  now(): number
  onError(error: unknown): void
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
}

/** Sends what ends tokens to a topic. */
export interface Outbox {
  /** Publishes until the signal; begins again whenever something fails. */
  run(held: AbortSignal): Promise<void>
  /** Whether everything up to a place is published within so many milliseconds, by this process. */
  published(position: Position, ms: number): Promise<boolean>
  state(): OutboxState
}

/** Thrown by a feed that does not go back so far: what is older is in the live set. */
export class Gone extends Error {
  readonly code = 'ERR_GONE'
}

/** Thrown when a topic gives an offset again: what was written there is lost. */
class EndLost extends Error {
  readonly code = 'ERR_END_LOST'
  constructor() {
    super('the topic lost its end: everything that matters is sent again')
  }
}

const NAME = 'outbox'
/** Messages in one request. */
const BATCH = 500
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000
/** An outbox that went well for so long begins again at once. */
const STEADY_MS = 10_000

/**
 * The outbox: follows the feed, sends, then moves its checkpoint. What is sent twice is harmless, so that there is one
 * sender is a matter of economy. What may have been lost from the topic, at its end or its beginning, is sent again before
 * the next heartbeat, which says that nothing is missing.
 */
export function outbox(options: OutboxOptions): Outbox {
  const { checkpoints, now } = options
  const waiters = new Set<() => void>()
  const state = { isRunning: false, isUp: false, sent: 0, failures: 0 }
  let place: TopicPlace | undefined
  let saving: Promise<void> | undefined

  /** Keeps the newest place; nobody waits for it, since to send again after a crash is harmless. */
  function keep(reached: TopicPlace): TopicPlace {
    place = reached
    for (const look of [...waiters]) look()
    const save = async (): Promise<void> => {
      for (let saved: TopicPlace | undefined; saved !== place && place !== undefined;) {
        saved = place
        await checkpoints.save(NAME, placeText(saved) as Position)
      }
    }
    saving ??= save()
      .catch(options.onError)
      .finally(() => (saving = undefined))
    return reached
  }

  /** Writes behind an offset. @throws {EndLost} when what was written there before is not there any more. */
  async function send(
    publisher: NoticePublisher,
    publications: readonly Publication[],
    previous: bigint,
  ): Promise<bigint> {
    const offset = await publisher.send(publications)
    if (offset - BigInt(publications.length) < previous) throw new EndLost()
    state.isUp = true
    state.sent += publications.filter(({ kind }) => kind === 'notice').length
    return offset
  }

  async function sendAll(publisher: NoticePublisher, { batches }: LiveSet, previous: bigint): Promise<bigint> {
    let last = previous
    for await (const batch of batches) last = await send(publisher, batch, last)
    return last
  }

  /** Everything that matters, from the start. */
  async function refill(publisher: NoticePublisher): Promise<TopicPlace> {
    const kid = options.kid()
    const live = await options.liveSet(START)
    const { high } = await publisher.range()
    return keep({ position: live.through, offset: await sendAll(publisher, live, high - 1n), since: high, kid })
  }

  /** What matters of that which the feed does not reach back to. */
  async function catchUp(publisher: NoticePublisher, behind: TopicPlace): Promise<TopicPlace> {
    const live = await options.liveSet(behind.position)
    return keep({ ...behind, position: live.through, offset: await sendAll(publisher, live, behind.offset) })
  }

  async function whole(publisher: NoticePublisher, known: TopicPlace | undefined): Promise<TopicPlace> {
    const isWhole = known !== undefined && known.kid === options.kid() && !isLost(known, await publisher.range())
    return isWhole ? known : refill(publisher)
  }

  async function beat(publisher: NoticePublisher, at: TopicPlace, heartbeat: Publication, since: bigint) {
    const offset = await send(publisher, [{ ...heartbeat, vouched: { since, previous: at.offset } }], at.offset)
    const position = heartbeat.position > at.position ? (heartbeat.position as Position) : at.position
    return keep({ ...at, offset, since, position })
  }

  async function follow(publisher: NoticePublisher, from: TopicPlace, held: AbortSignal): Promise<void> {
    const sinceAt = marks(options)
    let at = from
    while (!held.aborted) {
      try {
        for await (const publications of collected(options.follow(at.position, held), BATCH)) {
          const notices = publications.filter(({ kind }) => kind === 'notice')
          const heartbeat = publications.findLast(({ kind }) => kind === 'heartbeat')
          const last = notices.at(-1)
          if (last !== undefined) {
            const offset = await send(publisher, notices, at.offset)
            at = keep({ ...at, offset, position: last.position as Position })
          }
          if (heartbeat === undefined) continue
          at = await whole(publisher, at)
          at = await beat(publisher, at, heartbeat, sinceAt(at))
        }
        return
      } catch (error) {
        if (!(error instanceof Gone)) throw error
        at = await catchUp(publisher, at)
      }
    }
  }

  /** Forgets where it was, durably: whoever begins again sends everything that matters. */
  async function forget(): Promise<void> {
    await saving
    place = undefined
    await checkpoints.save(NAME, START)
  }

  async function once(held: AbortSignal): Promise<void> {
    place ??= readPlace(await checkpoints.load(NAME))
    const publisher = await options.openPublisher()
    try {
      await follow(publisher, await whole(publisher, place), held)
    } finally {
      state.isUp = false
      await publisher.close().catch(options.onError)
    }
  }

  async function again(held: AbortSignal): Promise<void> {
    let wait = FIRST_PAUSE_MS
    while (!held.aborted) {
      const began = now()
      await once(held).catch(async (error: unknown) => {
        if (error instanceof EndLost) await forget()
        if (held.aborted) return
        state.failures += 1
        options.onError(error)
        wait = now() - began > STEADY_MS ? FIRST_PAUSE_MS : Math.min(wait * 2, LONGEST_PAUSE_MS)
        await pause(wait * (0.5 + Math.random() / 2), undefined, { signal: held }).catch(() => undefined)
      })
    }
  }

  return {
    async run(held) {
      state.isRunning = true
      await again(held)
      state.isRunning = false
      await saving
    },

    published: (position, ms) =>
      new Promise((resolve) => {
        const settle = (is: boolean): void => {
          clearTimeout(timer)
          waiters.delete(look)
          resolve(is)
        }
        const look = (): void => {
          if (place !== undefined && place.position >= position) settle(true)
        }
        const timer = setTimeout(() => settle(false), ms)
        waiters.add(look)
        look()
      }),

    state() {
      const since = state.isRunning ? options.waitingSince(place?.position ?? START) : undefined
      return { ...state, lagMs: since === undefined ? 0 : Math.max(0, now() - since) }
    },
  }
}
