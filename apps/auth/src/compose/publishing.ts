import type { Position } from '@ledgate/eventsourcing'
import type { Reading } from '../metrics/index.ts'
import type { RevocationFeed } from '../revocation-feed/index.ts'
import type { Core } from './core.ts'

/** How what ends tokens is published beside the feed of each process. */
export interface Publishing {
  /** Publishes what any process wrote, until the signal. */
  run(held: AbortSignal): Promise<void>
  /**
   * Whether what happened at a place is published within so many milliseconds: in the topic, if there is one, and otherwise
   * in the feed of this process. Without a place: everything that was acknowledged before the call.
   */
  waitUntilPublished(position: Position | undefined, ms: number): Promise<boolean>
  readonly readings: readonly Reading[]
  close(): Promise<void>
}

/** The place, once the feed of this process has told of everything up to it; nothing when it has not within so many milliseconds. */
export type Told = (position: Position | undefined, ms: number) => Promise<Position | undefined>

/** Publishes to Kafka when there are brokers. */
export async function openPublishing(core: Core, feed: RevocationFeed): Promise<Publishing> {
  const told: Told = async (position, ms) => {
    const place = position ?? (await core.storage.readBarrier())
    return (await feed.waitUntilAnnounced(place, ms)) ? place : undefined
  }
  const { kafka } = core.config
  if (kafka === undefined)
    return {
      run: () => Promise.resolve(),
      waitUntilPublished: async (position, ms) => (await told(position, ms)) !== undefined,
      readings: [],
      close: () => Promise.resolve(),
    }
  // Its client is loaded where it is used.
  const { openKafkaPublishing } = await import('./kafka-publishing.ts')
  return openKafkaPublishing(core, feed, kafka, told)
}
