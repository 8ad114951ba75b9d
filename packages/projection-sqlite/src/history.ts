import { type EventReader, InvalidPosition, keptPosition, type RecordedEvent, START } from '@ledgate/eventsourcing'
import { AT_START, type Progress } from './build-records.ts'

/**
 * Whether progress was made in this log. A restored log, or an older copy, has the same beginning as the original; if the
 * last applied event is still at its position, everything before it is the same too.
 */
export async function isFromLog({ before, position, lastId }: Progress, reader: EventReader): Promise<boolean> {
  if (lastId === '') return true
  if (![before, position].every((text) => isPosition(reader, text))) return false
  try {
    for await (const event of reader.readAll({ after: before, max: 1 }))
      return event.position === position && event.id === lastId
  } catch (error) {
    if (!(error instanceof InvalidPosition)) throw error // a position of this log would be valid
  }
  return false
}

/** Whether a text is a position of this kind of store, or the start of the log. */
export function isPosition(reader: EventReader, text: string): boolean {
  try {
    keptPosition(reader, text)
    return true
  } catch {
    return false
  }
}

/** The progress of a reader that has read the whole log, for {@link isFromLog}. @param known an earlier end of the log. */
export async function readLogEnd(reader: EventReader, known: Progress): Promise<Progress> {
  if ((await reader.head()) <= known.position) return known
  const found: RecordedEvent[] = []
  for await (const event of reader.readAll({ direction: 'backwards', max: 2 })) found.push(event)
  const [last, before] = found
  if (last === undefined) return AT_START
  return { position: last.position, before: before?.position ?? START, lastId: last.id }
}
