import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { type EventStore, type Position, Unavailable } from '@ledgate/eventsourcing'
import { CHUNK_SIZE, type Ended, encodeStatement, type StatementSigner } from '@ledgate/revocation'
import type { Clock } from '../log/index.ts'
import { revocations } from './projection.ts'
import type { LiveRevocations, RevocationQueries } from './queries.ts'
import type { PositionWaiter } from '../projection/index.ts'
import type { NoticeFacts } from './notice.ts'

export interface SnapshotOptions {
  readonly issuer: string
  /** As that of the feed. */
  issuerEpoch(): Promise<number>
  /** As that of the feed. */
  tokenCap(): Promise<number>
  readonly store: Pick<EventStore, 'head'>
  /** As that of the feed. */
  readBarrier(): Promise<Position>
  readonly views: PositionWaiter & { readonly revocations: RevocationQueries }
  readonly keys: { read(): Promise<{ readonly signer: StatementSigner }> }
  readonly clock: Clock
}

/** Milliseconds a snapshot waits for the views to hold what was acknowledged before it was asked for. */
const FRESH_WITHIN_MS = 5_000
/** Milliseconds for which a moment of the views is held on to at most. */
const LASTS_MS = 60_000
/** Rows that are read at once: others get their turn between. */
const ROWS = 1_000
const PAGES_PER_CHUNK = CHUNK_SIZE / ROWS
/** Snapshots under way: each of them makes the file of the views grow. */
const AT_ONCE = 4

/**
 * Waits until the views hold everything that was acknowledged before the call, by any process.
 *
 * @returns where the log ended.
 * @throws {Unavailable} when that takes too long, or no majority of the nodes answers.
 */
export async function viewsAtHead({
  store,
  readBarrier,
  views,
}: Pick<SnapshotOptions, 'store' | 'readBarrier' | 'views'>): Promise<Position> {
  await readBarrier()
  const head = await store.head()
  if (!(await views.waitFor(head, FRESH_WITHIN_MS, [revocations.name])))
    throw new Unavailable('the views have not caught up yet')
  return head
}

/** Rows of one chunk, read page by page. */
async function entriesOf(pages: Generator<readonly Ended[], void>): Promise<readonly Ended[]> {
  const entries: Ended[] = []
  for (let count = 0; count < PAGES_PER_CHUNK; count += 1) {
    const { value, done } = pages.next()
    if (done === true) break
    entries.push(...value)
    await turn()
  }
  return entries
}

/** Signs everything that has ended and still matters, one chunk after the other, as of one moment. */
async function* chunksOf(
  live: LiveRevocations,
  at: number,
  facts: NoticeFacts,
  { keys, clock }: SnapshotOptions,
): AsyncGenerator<string, void> {
  const snapshot = randomUUID()
  const count = Math.max(1, Math.ceil(live.size / CHUNK_SIZE))
  const pages = live.pages({ ...facts, now: Math.floor(at / 1000), size: ROWS })
  const { through } = live
  for (let index = 0; index < count; index += 1) {
    if (clock.nowMs() - at > LASTS_MS) throw new Unavailable('the reader of a snapshot is too slow')
    const ended = await entriesOf(pages)
    const chunk = { kind: 'chunk', snapshot, index, count, through, at, ended } as const
    yield await encodeStatement(chunk, { issuer: facts.issuer, signer: (await keys.read()).signer, now: clock.nowMs })
  }
}

/**
 * Takes snapshots of what has ended. The time that one says is from before a readBarrier, so whatever was acknowledged by then is in
 * it, also when this process does not know yet that it was cut off from the others.
 */
export function openSnapshots(options: SnapshotOptions): { take(): Promise<AsyncGenerator<string, void>> } {
  const { issuer, views, clock } = options
  let underWay = 0

  return {
    /**
     * The signed chunks of a new snapshot. Whoever takes it reads it to its end, or ends it.
     *
     * @throws {Unavailable} when there are too many already, or the views do not come to the end of the log.
     */
    async take() {
      if (underWay >= AT_ONCE) throw new Unavailable('too many snapshots are being taken')
      underWay += 1
      let live: LiveRevocations | undefined
      let facts: NoticeFacts
      const at = clock.nowMs()
      try {
        await viewsAtHead(options)
        live = views.revocations.open()
        // Read behind everything that the snapshot tells of.
        const [issuerEpoch, tokenCap] = await Promise.all([options.issuerEpoch(), options.tokenCap()])
        facts = { issuer, issuerEpoch, tokenCap }
      } catch (error) {
        live?.close()
        underWay -= 1
        throw error
      }
      const chunks = chunksOf(live, at, facts, options)
      const moment = live
      const release = () => {
        moment.close()
        underWay -= 1
      }
      return releasing(chunks, release)
    },
  }
}

/** Lets go once, when the items came to their end or are no longer wanted, even before the first of them. */
function releasing<Item>(items: AsyncGenerator<Item, void>, release: () => void): AsyncGenerator<Item, void> {
  let isHeld = true
  const letGo = () => {
    if (isHeld) release()
    isHeld = false
  }
  async function* held() {
    try {
      yield* items
    } finally {
      letGo()
    }
  }
  const given = held()
  const end = given.return.bind(given)
  given.return = async (value) => {
    const result = await end(value)
    letGo()
    return result
  }
  return given
}
