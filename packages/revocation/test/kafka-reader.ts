import { setTimeout as pause } from 'node:timers/promises'
import type { FeedItem, Publication, RevocationSource } from '../src/feed/index.ts'
import { kafkaPublisher, type KafkaOptions, KafkaUnavailable } from '../src/kafka/index.ts'

/** Waits for something to be so, as long as a test may take. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(10)
}

/** Publications that are told apart by what they say. */
export const notices = (...said: readonly string[]): Publication[] =>
  said.map((jws, nth) => ({ jws, position: String(nth), kind: 'notice' }))

export const heartbeats = (...said: readonly string[]): Publication[] =>
  said.map((jws, nth) => ({ jws, position: String(nth), kind: 'heartbeat' }))

/** A heartbeat that confirms something. */
export const confirming = (jws: string, since: bigint, previous: bigint): Publication[] =>
  heartbeats(jws).map((each) => ({ ...each, confirmed: { since, previous } }))

/** What a source gives first of all. */
export async function firstBatch(source: RevocationSource, cursor?: string): Promise<readonly FeedItem[] | undefined> {
  const { signal } = new AbortController()
  for await (const items of source.open({ cursor, after: undefined, signal })) return items
  return undefined
}

/** Publishes as an outbox does: by another publisher whenever one broke, and perhaps twice. */
export async function publishInTheEnd(options: KafkaOptions, publications: readonly Publication[]): Promise<void> {
  for (let isDone = false; !isDone;) {
    const publisher = kafkaPublisher(options)
    isDone = await publisher.send(publications).then(
      () => true,
      () => false,
    )
    await publisher.close()
  }
}

/** A source that is begun again where it was whenever it breaks: a broker that comes back does not serve everybody at once. */
export const begunAgain = (source: RevocationSource): RevocationSource => ({
  name: source.name,
  async *open(asked) {
    for (let { cursor } = asked; !asked.signal.aborted; await pause(100)) {
      try {
        for await (const items of source.open({ ...asked, cursor })) {
          cursor = items.at(-1)?.cursor ?? cursor
          yield items
        }
      } catch (error) {
        if (!(error instanceof KafkaUnavailable)) throw error
      }
    }
  },
})

/** Somebody who follows a source once and remembers what it gave. */
export function follow(source: RevocationSource, cursor?: string) {
  const stopped = new AbortController()
  const read: string[] = []
  const cursors: string[] = []
  const confirmed: string[] = []
  const receivedAt = new Map<string, number>()
  const troubles: unknown[] = []
  const trouble = (error: unknown) => void troubles.push(error)
  const take = ({ jws, cursor: place, confirms }: FeedItem) => {
    read.push(jws)
    if (confirms !== false) confirmed.push(jws)
    cursors.push(place)
    receivedAt.set(jws, performance.now())
  }
  const over = (async () => {
    for await (const items of source.open({ cursor, after: undefined, signal: stopped.signal, trouble }))
      items.forEach(take)
  })()
  over.catch(() => undefined)
  return {
    read,
    cursors,
    /** What would count if it were a heartbeat. */
    confirmed,
    receivedAt,
    /** What was wrong and did not end it. */
    troubles,
    /** Settles as the source ends. */
    over,
    stop() {
      stopped.abort()
      return over
    },
  }
}
