import { MAX_EVENT_BYTES, type NewEvent, TooLarge } from '@ledgate/eventsourcing'

/** Bytes of the largest event that ends nothing. What ends what it left in a state carries no more than that, and fits. */
export const MAX_GROWING_BYTES = MAX_EVENT_BYTES / 2

const bytesOf = ({ data, metadata }: NewEvent): number =>
  Buffer.byteLength(JSON.stringify(data)) + Buffer.byteLength(JSON.stringify(metadata))

/**
 * Leaves room for the event that will end it, however it came to be so large: one check for all events there are.
 *
 * @param mayFill whether an event of a type may take as much room as any event has.
 * @throws {TooLarge} when an event that ends nothing takes more than half of what an event has.
 */
export function leaveRoom(events: readonly NewEvent[], mayFill: (type: string) => boolean): void {
  for (const event of events) {
    const bytes = mayFill(event.type) ? 0 : bytesOf(event)
    if (bytes > MAX_GROWING_BYTES)
      throw new TooLarge(`${event.type} has ${bytes} bytes, ${MAX_GROWING_BYTES} at most, so that what ends it fits`)
  }
}
