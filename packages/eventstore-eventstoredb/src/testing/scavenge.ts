import type { TransactionLog } from './transaction-log.ts'
import { isKept, isMetastream, originalOf } from './stream-metadata.ts'
import { DELETED, type StoredEvent } from './stored-event.ts'

/** Scavenge points stand in the log, so that every node can scavenge by the same (ScavengePointSource.cs). */
export const SCAVENGE_POINTS = '$scavengePoints'
export const SCAVENGE_POINT = '$scavengePoint'

/**
 * The point by which a node scavenges: the newest in the log when it has not used that yet, and a new one otherwise. So a
 * scavenge may go by a point from before whatever its operator has in mind (docs operations/scavenge.md:127).
 *
 * @param used the revision of the point of the node's last scavenge; -1 when there was none.
 * @returns `undefined` when a new one has to be written.
 */
export function pointToUse(log: TransactionLog, committed: number, used: number): StoredEvent | undefined {
  const newest = log.last(SCAVENGE_POINTS, committed)
  return newest !== undefined && newest.revision > used ? newest : undefined
}

/**
 * What a scavenge removes from the files of a node, by what stood in the log before the point
 * (TransactionLog/Scavenging/Stages/EventCalculator.cs:60, Calculator.cs:81): what readers of the stream no longer see, but
 * never the last event that a stream had there, whatever it is. So the bytes of a deleted stream's last event stay.
 */
export function discarded(log: TransactionLog, point: StoredEvent): readonly StoredEvent[] {
  return [...log.streams()].flatMap((stream) => {
    const last = log.last(stream, point.index)
    if (last === undefined) return []
    const isOver = isMetastream(stream) && log.last(originalOf(stream), point.index)?.revision === DELETED
    if (isOver) return log.events(stream, point.index)
    const metadata = log.metadata(stream, point.index)
    return log
      .events(stream, point.index)
      .filter(
        (event) =>
          event !== last && (last.revision === DELETED || !isKept(event, last.revision, metadata, point.created)),
      )
  })
}
