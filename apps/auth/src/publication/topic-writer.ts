import { type Position, START } from '@ledgate/eventsourcing'
import type { NoticePublisher, Publication, Vouched } from '@ledgate/revocation'
import { isLost, type TopicPlace } from './topic-place.ts'

/** Thrown when a message is not in its topic any more: what was written there is lost. */
export class EndLost extends Error {
  readonly code = 'ERR_END_LOST'
  constructor(options?: ErrorOptions) {
    super('the topic lost what was written to it: everything that matters is sent again', options)
  }
}

/** Everything that still matters of the notices after a place. */
export interface LiveSet {
  /** Where the log ended when it was asked for. */
  readonly through: Position
  /** Signed by the key of today, in the order of the log, batch by batch. */
  readonly batches: AsyncIterable<readonly Publication[]>
}

export interface TopicWriterOptions {
  readonly publisher: NoticePublisher
  liveSet(after: Position): Promise<LiveSet>
  /** The key that signs today. */
  kid(): string
  /** Names a message that was written to whoever reads the topic. */
  cursorOf(written: { readonly offset: bigint; readonly jws: string }): string
  /** Told of each new place. */
  reached(place: TopicPlace): void
  /** Told of what was written. */
  wrote(publications: readonly Publication[]): void
}

/** A message that was written, and its name to whoever reads the topic. */
export interface Written {
  readonly offset: bigint
  readonly cursor: string
}

/** Writes to a topic, and knows how much of the log is in it. */
export interface TopicWriter {
  place(): TopicPlace
  /** What was written last, since this writer was opened. */
  last(): Written | undefined
  /** In the order of the log, behind everything that was written before. @throws {EndLost} */
  notices(notices: readonly Publication[]): Promise<void>
  /** What matters of that which the feed does not reach back to. @throws {EndLost} */
  catchUp(): Promise<void>
  /** Without what it vouches for, readers pass it over. @throws {EndLost} */
  heartbeat(heartbeat: Publication, vouched?: Vouched): Promise<void>
  /** Takes note that everything up to a message was read back. */
  readBack(written: Written): void
}

const later = (one: Position, other: Position): Position => (one > other ? one : other)

/**
 * Goes on at a place where the topic still has everything that matters of what came before it, signed by a key that is
 * believed; otherwise all of that is written first.
 */
export async function openTopicWriter(options: TopicWriterOptions, known?: TopicPlace): Promise<TopicWriter> {
  const { publisher, cursorOf } = options
  let last: Written | undefined
  let place: TopicPlace

  /** @throws {EndLost} when it is not behind what was written before. */
  async function write(publications: readonly Publication[]): Promise<void> {
    const previous = place.offset
    const offset = await publisher.send(publications)
    if (offset - BigInt(publications.length) < previous) throw new EndLost()
    last = { offset, cursor: cursorOf({ offset, jws: publications.at(-1)?.jws ?? '' }) }
    place = { ...place, offset, cursor: place.cursor ?? last.cursor }
    options.wrote(publications)
  }

  async function writeAll({ batches, through }: LiveSet): Promise<void> {
    for await (const batch of batches) await write(batch)
    reach(through)
  }

  function reach(position: Position, since = place.since): void {
    place = { ...place, position: later(place.position, position), since }
    options.reached(place)
  }

  const isUsable = known?.cursor !== undefined && known.kid === options.kid() && !isLost(known, await publisher.range())
  if (isUsable) {
    place = known
    options.reached(place)
  } else {
    const kid = options.kid()
    const live = await options.liveSet(START)
    const { high: since } = await publisher.range()
    place = { position: START, offset: since - 1n, since, kid }
    await writeAll(live)
  }

  return {
    place: () => place,
    last: () => last,
    async notices(notices) {
      const end = notices.at(-1)
      if (end === undefined) return
      await write(notices)
      reach(end.position as Position)
    },
    catchUp: async () => writeAll(await options.liveSet(place.position)),
    async heartbeat(heartbeat, vouched) {
      await write([vouched === undefined ? heartbeat : { ...heartbeat, vouched }])
      reach(heartbeat.position as Position, vouched?.since)
    },
    readBack({ cursor }) {
      place = { ...place, cursor }
    },
  }
}
