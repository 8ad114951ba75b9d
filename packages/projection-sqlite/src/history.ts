import { type EventReader, InvalidPosition, keptPosition, type RecordedEvent, START } from '@ledgate/eventsourcing'
import { AT_START, type Progress } from './build-records.ts'

/**
 * Whether something was made from this log. A log that was restored, or is an older copy, shares its beginning with the
 * one it was; an event that is where it was then says that everything before it is the same, too.
 */
export async function belongs({ before, position, lastId }: Progress, reader: EventReader): Promise<boolean> {
  if (lastId === '') return true
  if (![before, position].every((place) => isPlaceOf(reader, place))) return false
  try {
    for await (const event of reader.readAll({ after: before, max: 1 }))
      return event.position === position && event.id === lastId
  } catch (error) {
    if (!(error instanceof InvalidPosition)) throw error // of this log it would be one
  }
  return false
}

/** Whether the store of today gives such positions at all. */
export function isPlaceOf(reader: EventReader, place: string): boolean {
  try {
    keptPosition(reader, place)
    return true
  } catch {
    return false
  }
}

/** The last event of the log, as a mark that {@link belongs} knows again. @param known an earlier end. */
export async function endOf(reader: EventReader, known: Progress): Promise<Progress> {
  if ((await reader.head()) <= known.position) return known
  const found: RecordedEvent[] = []
  for await (const event of reader.readAll({ direction: 'backwards', max: 2 })) found.push(event)
  const [last, before] = found
  if (last === undefined) return AT_START
  return { position: last.position, before: before?.position ?? START, lastId: last.id }
}
