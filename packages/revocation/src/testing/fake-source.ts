import type { FeedItem, OpenFeed, RevocationSource } from '../feed/index.ts'
import type { LogPosition } from '../statement/index.ts'

/** A message and how far the log is told with it. */
export interface FakeMessage {
  readonly jws: string
  readonly position: LogPosition
}

export interface FakeSourceOptions {
  readonly name?: string
  /** Gives everything from its beginning, or first a snapshot when it is not told from where to go on. */
  readonly begins?: 'beginning' | 'snapshot'
  /** How many messages it gives at once. */
  readonly batch?: number
  /** How many messages it gives again when it goes on from a cursor. */
  readonly repeats?: number
}

/** A source of revocations that goes wrong when it is told to. */
export interface FakeSource extends RevocationSource {
  /** What it was asked for, opening by opening. */
  readonly openings: readonly Pick<OpenFeed, 'cursor' | 'after'>[]
  /** Gives a message of any kind to those who follow this source, and to nobody else. */
  push(...jws: readonly string[]): void
  /** Says nothing any more, and does not obey its signal either. */
  hang(): void
  /** Breaks the openings of now, and refuses new ones until it is mended. */
  break(error?: Error): void
  /** Ends the openings of now as a server does that stops; new ones are well. */
  end(): void
  /** New openings are well again; those that hang stay as they are. */
  mend(): void
}

interface Told {
  readonly history: readonly FakeMessage[]
  /** The chunks of a snapshot of now, and how far the log is told with them. */
  snapshot(): Promise<readonly FakeMessage[]>
}

type State = 'well' | 'hanging' | Error

const NEVER = new Promise<never>(() => undefined)

/** Wakes all who wait. */
function bell() {
  let ring: () => void = () => undefined
  let rung = new Promise<void>((resolve) => (ring = resolve))
  return {
    heard: () => rung,
    ring() {
      const done = ring
      rung = new Promise<void>((resolve) => (ring = resolve))
      done()
    },
  }
}

/** A source of what a feed tells, with a list of its own of what it gave so far. */
export function fakeSource(
  told: Told,
  { name = 'fake', begins = 'beginning', batch = 10, repeats = 0 }: FakeSourceOptions = {},
): FakeSource & { tell(message: FakeMessage): void } {
  const messages: FakeMessage[] = [...told.history]
  const openings: Pick<OpenFeed, 'cursor' | 'after'>[] = []
  const news = bell()
  let state: State = 'well'
  let generation = 0

  function startOf({ cursor, after }: Pick<OpenFeed, 'cursor' | 'after'>): number | undefined {
    if (cursor !== undefined && Number(cursor) < messages.length) return Math.max(0, Number(cursor) + 1 - repeats)
    if (begins === 'beginning') return 0
    if (cursor !== undefined) return messages.length
    if (after === undefined) return undefined
    const later = messages.findIndex((message) => message.position > after)
    return later < 0 ? messages.length : later
  }

  /** What an opening does at this moment, if not give messages. */
  async function whatever(of: number): Promise<'go on' | 'end'> {
    if (state === 'hanging') return NEVER
    if (state instanceof Error) throw state
    return of === generation ? 'go on' : 'end'
  }

  async function* open(asked: OpenFeed): AsyncGenerator<readonly FeedItem[], void> {
    const of = generation
    openings.push({ cursor: asked.cursor, after: asked.after })
    let next = startOf(asked)
    if (next === undefined) {
      next = messages.length
      const cursor = String(next - 1)
      for (const { jws } of await told.snapshot()) {
        if ((await whatever(of)) === 'end') return
        yield [{ jws, cursor }]
      }
    }
    while (!asked.signal.aborted) {
      const more = news.heard()
      if ((await whatever(of)) === 'end') return
      const from = next
      const items = messages.slice(from, from + batch).map(({ jws }, nth) => ({ jws, cursor: String(from + nth) }))
      next += items.length
      if (items.length > 0) yield items
      else await more
    }
  }

  function become(next: State, ends: boolean): void {
    state = next
    if (ends) generation += 1
    news.ring()
  }

  return {
    name,
    openings,
    open,
    tell(message) {
      messages.push(message)
      news.ring()
    },
    push(...all) {
      for (const jws of all) messages.push({ jws, position: messages.at(-1)?.position ?? '' })
      news.ring()
    },
    hang: () => become('hanging', false),
    break: (error = new Error(`${name} broke`)) => become(error, true),
    end: () => become('well', true),
    mend: () => become('well', false),
  }
}
