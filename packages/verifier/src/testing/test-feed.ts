import type { FeedItem, OpenFeed, RevocationSource } from '@ledgate/revocation'

/** A feed in this process, of which a test is the issuer. */
export interface TestFeed extends RevocationSource {
  /**
   * Makes a message, one after another, and gives it to all who read now or later. Resolves when all who read now have taken
   * it in; when it is made, while the feed is silent.
   */
  push(make: () => Promise<string>): Promise<void>
  /** Gives nothing any more, heartbeats neither, as when the network is away. */
  silence(): void
  /** Gives everything again, and what was kept back. */
  resume(): void
}

/** Makes a heartbeat that vouches for the first so many messages. */
export type MakeHeartbeat = (through: number) => Promise<string>

interface Reader {
  /** How many messages it has taken in. */
  taken: number
  wake(): void
}

/** Milliseconds between heartbeats. */
const BEAT_MS = 500

/** Sleeps until it is woken, or until the time has come. */
function sleep(reader: Reader, signal: AbortSignal, ms: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = ms === undefined ? undefined : setTimeout(done, ms)
    // A test that forgot to close its verifier ends all the same.
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

/** A feed that any number of verifiers may read, with heartbeats while anybody reads. */
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
        // It asks for more, so it has taken in what it got.
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
