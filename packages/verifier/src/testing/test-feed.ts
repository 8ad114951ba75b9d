import type { FeedItem, OpenFeed, RevocationSource } from '@ledgate/revocation'

/** A feed in this process, with the test as its issuer. */
export interface TestFeed extends RevocationSource {
  /**
   * Creates a message, one after another, and gives it to all current and later readers. Resolves when all current readers have
   * applied it; while the feed is silent, when it is created.
   */
  push(make: () => Promise<string>): Promise<void>
  /** Stops all messages, including heartbeats, as when the network is down. */
  silence(): void
  /** Continues, with the messages that were held back. */
  resume(): void
}

/** Creates a heartbeat that confirms the first so many messages. */
export type MakeHeartbeat = (through: number) => Promise<string>

interface Reader {
  /** How many messages it has applied. */
  taken: number
  wake(): void
}

/** Milliseconds between heartbeats. */
const BEAT_MS = 500

/** Sleeps until it is woken, or until the time is over. */
function sleep(reader: Reader, signal: AbortSignal, ms: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = ms === undefined ? undefined : setTimeout(done, ms)
    // A test that does not close its verifier ends nevertheless.
    timer?.unref()
    signal.addEventListener('abort', done)
    reader.wake = done
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}

/** A feed for any number of verifiers, with heartbeats while there are readers. */
export function testFeed(heartbeat: MakeHeartbeat): TestFeed {
  const items: FeedItem[] = []
  const readers = new Set<Reader>()
  let waiting: { readonly upTo: number; readonly resolve: () => void }[] = []
  let isSilent = false
  let making: Promise<unknown> = Promise.resolve()

  function settle(): void {
    const isTaken = (upTo: number) => isSilent || [...readers].every((reader) => reader.taken >= upTo)
    const done = waiting.filter(({ upTo }) => isTaken(upTo))
    waiting = waiting.filter(({ upTo }) => !isTaken(upTo))
    done.forEach(({ resolve }) => resolve())
  }
  const wakeAll = () => readers.forEach((reader) => reader.wake())

  async function* read(reader: Reader, signal: AbortSignal): AsyncGenerator<readonly FeedItem[]> {
    while (!signal.aborted) {
      if (!isSilent) {
        const batch = items.slice(reader.taken)
        const upTo = reader.taken + batch.length
        yield [...batch, { jws: await heartbeat(upTo), cursor: String(upTo) }]
        // It requests the next batch, so it has applied this one.
        reader.taken = upTo
        settle()
      }
      if (isSilent || reader.taken === items.length) await sleep(reader, signal, isSilent ? undefined : BEAT_MS)
    }
  }

  return {
    name: 'test',
    async *open({ cursor, signal }: OpenFeed) {
      const reader: Reader = { taken: Number(cursor ?? 0), wake: () => undefined }
      readers.add(reader)
      try {
        yield* read(reader, signal)
      } finally {
        readers.delete(reader)
        settle()
      }
    },
    async push(make) {
      const made = making.then(make)
      making = made.catch(() => undefined)
      const upTo = items.push({ jws: await made, cursor: String(items.length + 1) })
      const taken = new Promise<void>((resolve) => waiting.push({ upTo, resolve }))
      settle()
      wakeAll()
      await taken
    },
    silence() {
      isSilent = true
      settle()
    },
    resume() {
      isSilent = false
      wakeAll()
    },
  }
}
