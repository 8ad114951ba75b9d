import { MAX_EVENTS_PER_APPEND, type NewEvent, type Position, TooLarge, Unavailable } from '@ledgate/eventsourcing'

/** Appends to a stream that no revision protects. */
type Write = (stream: string, events: readonly NewEvent[]) => Promise<{ readonly position: Position }>

interface Member {
  readonly event: NewEvent
  resolve(position: Position): void
  reject(error: unknown): void
}

/**
 * Lets events travel together that go to one stream at once: the first sets out alone, and those that come while it is
 * under way are the next append. No one waits for longer than for two appends, and a service that asks for a thousand
 * tokens a second costs the store a few appends, not a thousand.
 *
 * The answer is the position of the last event that travelled along: not before one's own. What waits behind an append
 * that failed was not written, and is not held up by trying.
 */
export function coalesceAppends(write: Write): (stream: string, event: NewEvent) => Promise<Position> {
  /** Who waits behind the append that is under way, by stream. */
  const lines = new Map<string, Member[]>()

  /** Says whether the store takes more. */
  async function send(stream: string, members: readonly Member[]): Promise<boolean> {
    const events = members.map(({ event }) => event)
    try {
      const { position } = await write(stream, events)
      for (const { resolve } of members) resolve(position)
      return true
    } catch (error) {
      const isTooLarge = error instanceof TooLarge
      if (isTooLarge && members.length > 1) return sendEach(stream, members)
      for (const { reject } of members) reject(error)
      return isTooLarge
    }
  }

  /** What is too large as a whole may not be so one by one. */
  async function sendEach(stream: string, members: readonly Member[]): Promise<boolean> {
    const taken = await Promise.all(members.map((member) => send(stream, [member])))
    return taken.every(Boolean)
  }

  async function sendAll(stream: string, line: Member[]): Promise<void> {
    let isTaken = true
    while (isTaken && line.length > 0) isTaken = await send(stream, line.splice(0, MAX_EVENTS_PER_APPEND))
    lines.delete(stream)
    for (const { reject } of line) reject(new Unavailable('the preceding append failed'))
  }

  return (stream, event) =>
    new Promise((resolve, reject) => {
      const member = { event, resolve, reject }
      const line = lines.get(stream)
      if (line !== undefined) return void line.push(member)
      const own = [member]
      lines.set(stream, own)
      void sendAll(stream, own)
    })
}
