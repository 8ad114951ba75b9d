import { type Position, START } from '@ledgate/eventsourcing'
import type { NoticePublisher, Publication, TopicRange, ConfirmedOffsets } from '@ledgate/revocation'
import type { Announcement } from '../announcement.ts'
import { isLost, type TopicPlace } from './topic-position.ts'

/** Thrown when what was written to a topic is lost, or signed by a key that is no longer believed. */
export class TopicTruncated extends Error {
  readonly code = 'ERR_END_LOST'
  constructor(options?: ErrorOptions) {
    super('the topic lost messages, or its content can no longer be trusted: it is refilled', options)
  }
}

/** Everything that still matters of the notices after a place. */
export interface LiveSet {
  /** Where the log ended when it was asked for. */
  readonly through: Position
  /** Signed by the key of today, in the order of the log, batch by batch; at its end a heartbeat that closes them. */
  readonly batches: AsyncIterable<readonly Publication[]>
}

export interface TopicWriterOptions {
  readonly publisher: NoticePublisher
  liveSet(after: Position): Promise<LiveSet>
  /** The key that signed something. */
  kidOf(publication: Publication): string
  /** Whether what a key signed is still believed. */
  isBelieved(kid: string): Promise<boolean>
  /** Milliseconds since the epoch. */
  now(): number
  /** The cursor of a written message, for readers of the topic. */
  cursorOf(written: { readonly offset: bigint; readonly jws: string }): string
  /** Called with each new position. */
  reached(place: TopicPlace): void
  /** Called with what was written. */
  wrote(publications: readonly Publication[]): void
}

/** A written message, and its cursor for readers of the topic. */
export interface Written {
  readonly offset: bigint
  readonly cursor: string
}

/** Writes to a topic, and knows how much of the log is in it. */
export interface TopicWriter {
  place(): TopicPlace
  /** Whether the topic has everything that matters of what came before its place, signed by keys that are believed. */
  isWhole(range: TopicRange): Promise<boolean>
  /** What was written last, since this writer was opened. */
  last(): Written | undefined
  /** In the order of the log, behind everything that was written before. @throws {TopicTruncated} */
  notices(notices: readonly Announcement[]): Promise<void>
  /** What matters of that which the feed does not reach back to, unless it is stopped. @throws {TopicTruncated} */
  catchUp(signal: AbortSignal): Promise<void>
  /**
   * Everything that matters, from the start: what was written before is no longer needed then, unless it is stopped.
   *
   * @throws {TopicTruncated}
   */
  refill(signal: AbortSignal): Promise<void>
  /** Without what it confirms, readers pass it over. @throws {TopicTruncated} */
  heartbeat(heartbeat: Announcement, confirmed?: ConfirmedOffsets): Promise<void>
  /** Takes note that everything up to a message was read back. */
  readBack(written: Written): void
}

const later = (one: Position, other: Position): Position => (one > other ? one : other)

/** Goes on at a place where the topic was seen to be whole, and still seems to be; otherwise it is filled first. */
export async function openTopicWriter(
  options: TopicWriterOptions,
  known: TopicPlace | undefined,
  signal: AbortSignal,
): Promise<TopicWriter> {
  const { publisher, liveSet, cursorOf, kidOf, isBelieved, now } = options
  /** That signed what was written since the topic was last begun to be filled. */
  let signers = new Set(known?.kids)
  let last: Written | undefined
  let place: TopicPlace

  /** @throws {TopicTruncated} when it is not behind what was written before. */
  async function write(publications: readonly Publication[]): Promise<void> {
    const previous = place.offset
    const offset = await publisher.send(publications)
    if (offset - BigInt(publications.length) < previous) throw new TopicTruncated()
    last = { offset, cursor: cursorOf({ offset, jws: publications.at(-1)?.jws ?? '' }) }
    const kids = new Set(publications.map(kidOf))
    for (const kid of kids) signers.add(kid)
    place = { ...place, offset, kids: [...new Set([...place.kids, ...kids])], cursor: place.cursor ?? last.cursor }
    options.wrote(publications)
  }

  function reach(position: Position, change: Partial<TopicPlace> = {}): void {
    place = { ...place, ...change, position: later(place.position, position) }
    options.reached(place)
  }

  async function writeAll(
    { batches, through }: LiveSet,
    until: AbortSignal,
    change?: () => Partial<TopicPlace>,
  ): Promise<void> {
    for await (const batch of batches) {
      if (until.aborted) return
      await write(batch)
    }
    reach(through, change?.())
  }

  async function refill(until: AbortSignal): Promise<void> {
    const filledAt = now()
    signers = new Set()
    // Before the views are asked: what is written meanwhile counts.
    const { high: since } = await publisher.range()
    await writeAll(await liveSet(START), until, () => ({ filledAt, since, kids: [...signers] }))
  }

  const isWhole = async (at: TopicPlace, range: TopicRange): Promise<boolean> =>
    !isLost(at, range) && (await Promise.all(at.kids.map(isBelieved))).every(Boolean)
  const range = await publisher.range()
  if (known?.cursor !== undefined && (await isWhole(known, range))) {
    place = known
    options.reached(place)
  } else {
    place = { position: START, offset: range.high - 1n, since: range.high, filledAt: now(), kids: [] }
    await refill(signal)
  }

  return {
    place: () => place,
    isWhole: (of) => isWhole(place, of),
    last: () => last,
    async notices(notices) {
      const end = notices.at(-1)
      if (end === undefined) return
      await write(notices)
      reach(end.position)
    },
    catchUp: async (until) => writeAll(await liveSet(place.position), until),
    refill,
    async heartbeat(heartbeat, confirmed) {
      await write([confirmed === undefined ? heartbeat : { ...heartbeat, confirmed }])
      reach(heartbeat.position)
    },
    readBack({ cursor }) {
      place = { ...place, cursor }
    },
  }
}
