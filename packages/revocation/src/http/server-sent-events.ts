import { RevocationError } from '../error/index.ts'

/** One server-sent event. */
export interface ServerSentEvent {
  readonly id: string
  readonly event: string
  readonly data: string
}

/** An event of the feed is larger than any statement. */
export class EventTooLarge extends RevocationError {
  override readonly name = 'EventTooLarge'
  readonly code = 'ERR_EVENT_TOO_LARGE'

  constructor(most: number) {
    super(`an event of the feed has more than ${most} characters`)
  }
}

/**
 * Parses lines into events, as the HTML standard says (section 9.2.6): comments, unknown fields and events without data are ignored,
 * and so is an event that is not ended by an empty line.
 *
 * @param most the most characters of the data of one event.
 * @returns takes the next line, and returns the event that it ends. @throws {EventTooLarge}
 */
export function eventParser(most: number): (line: string) => ServerSentEvent | undefined {
  let id = ''
  let event = ''
  let data: string[] = []
  let size = 0

  function ended(): ServerSentEvent | undefined {
    const whole = data.length === 0 ? undefined : { id, event: event || 'message', data: data.join('\n') }
    event = ''
    data = []
    size = 0
    return whole
  }

  function addData(value: string): void {
    size += value.length + 1
    if (size > most) throw new EventTooLarge(most)
    data.push(value)
  }

  return (line) => {
    if (line === '') return ended()
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line.startsWith(': ', colon) ? colon + 2 : colon + 1)
    if (name === 'data') addData(value)
    else if (name === 'event') event = value
    else if (name === 'id' && !value.includes('\0')) id = value
    return undefined
  }
}
