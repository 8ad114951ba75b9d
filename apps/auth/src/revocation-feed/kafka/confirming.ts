import type { TopicRange } from '@ledgate/revocation'
import type { Announcement } from '../announcement.ts'
import type { ReadBack } from './read-back.ts'
import { TopicTruncated, type TopicWriter, type Written } from './topic-writer.ts'

export interface ConfirmationOptions {
  readonly writer: Pick<TopicWriter, 'place' | 'isWhole' | 'last' | 'heartbeat' | 'readBack'>
  range(): Promise<TopicRange>
  /** Reads the topic on from a message that was written. */
  readOn(cursor: string): ReadBack
}

/** @returns what vouches, with a heartbeat, for everything that was written before it. */
export function createConfirmation({ writer, range, readOn }: ConfirmationOptions) {
  let reading: ReadBack | undefined

  /** From the message up to which everything was read back before, or from the first. */
  function begin(): void {
    const { cursor } = writer.place()
    if (cursor !== undefined) reading ??= readOn(cursor)
  }
  begin()

  /** That the message is there with which a reading begins shows in the next one only. */
  async function written(heartbeat: Announcement): Promise<Written | undefined> {
    if (writer.place().cursor === undefined) await writer.heartbeat(heartbeat)
    begin()
    const isBehind = writer.last() !== undefined && writer.last()?.cursor !== writer.place().cursor
    if (!isBehind) await writer.heartbeat(heartbeat)
    return writer.last()
  }

  return async (heartbeat: Announcement): Promise<void> => {
    const last = await written(heartbeat)
    if (last === undefined || reading === undefined) throw new Error('no written message to read back')
    const { since } = writer.place() // of now: what is written while this waits was not read back
    await reading.saw(last.cursor)
    writer.readBack(last)
    if (!(await writer.isWhole(await range()))) throw new TopicTruncated()
    await writer.heartbeat(heartbeat, { since, previous: last.offset })
  }
}
