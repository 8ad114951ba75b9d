import { randomUUID } from 'node:crypto'
import type { NewEvent, RecordedEvent } from '../../event.ts'

/** A valid event; `with` replaces parts of it. */
export function sampleEvent(parts: Partial<NewEvent> = {}): NewEvent {
  return { id: randomUUID(), type: 'Sampled', data: { value: randomUUID() }, metadata: { actor: 'sample' }, ...parts }
}

/** So many valid events. */
export function sampleEvents(count: number): readonly NewEvent[] {
  return Array.from({ length: count }, () => sampleEvent())
}

/** A category nobody used before. */
export function sampleCategory(): string {
  return `sample${randomUUID().replaceAll('-', '')}`
}

/** A stream nobody used before. */
export function sampleStream(category = sampleCategory()): string {
  return `${category}-${randomUUID()}`
}

/** A type of event nobody used before: it is told from others to its last letter. */
export function sampleType(): string {
  return `Sampled.${randomUUID()}`
}

/** The ids of events, in their order. */
export function idsOf(events: Iterable<Pick<NewEvent, 'id'>>): readonly string[] {
  return Array.from(events, ({ id }) => id)
}

/** Everything an iterable gives. */
export async function allOf<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** What its writer chose of an event. */
export function asWritten({ id, type, data, metadata }: RecordedEvent): NewEvent {
  return { id, type, data, metadata }
}
