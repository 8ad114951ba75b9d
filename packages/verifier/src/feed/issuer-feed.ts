import type { KeyObject } from 'node:crypto'
import {
  type ArrivedMessage,
  type Clock,
  type Ended,
  type FeedHealth,
  followRevocations,
  type Notice,
  type RevocationFollower,
  type RevocationIndex,
  revocationIndex,
} from '@ledgate/revocation'
import type { KeyCache } from '../key/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Revocations } from '../options/index.ts'

/** What an issuer has revoked, as it is told. */
export interface IssuerFeed {
  readonly index: RevocationIndex
  /** How old what is known is, in milliseconds; Infinity before it was caught up with. */
  stalenessMs(): number
  start(): void
  /** When it is caught up with. */
  ready(): Promise<void>
  health(): FeedHealth
  close(): Promise<void>
}

export interface IssuerFeedOptions {
  readonly issuer: string
  readonly revocations: Revocations
  /** Those that sign the feed. */
  readonly keys: KeyCache
  readonly maxStalenessMs: number
  readonly clock: Clock
  readonly logger: Logger | undefined
  /** Hears of everything that ends something; without a notice when it comes from a snapshot. */
  readonly onEnded: (ended: Ended, notice: Notice | undefined) => void
}

/** How long a statement signed by an unknown key waits for the key set that may have it. */
const KEY_WAIT_MS = 10_000

/** The key of a feed; looked for when it is unknown. @throws {Error} while it cannot be known whether there is one. */
async function keyFor(kid: string, keys: KeyCache, message?: ArrivedMessage): Promise<KeyObject | undefined> {
  if (!(await keys.seek(kid, KEY_WAIT_MS, message?.arrivedAt)))
    throw new Error('the keys that sign the feed cannot be fetched')
  return keys.get(kid)?.key
}

/** Follows the revocations of an issuer from when it is started. */
export function issuerFeed({
  issuer,
  revocations,
  keys,
  maxStalenessMs,
  clock,
  logger,
  onEnded,
}: IssuerFeedOptions): IssuerFeed {
  const started = Promise.withResolvers<RevocationFollower>()
  started.promise.catch(() => {}) // Said to whoever waits for it.
  let follower: RevocationFollower | undefined
  const stalenessMs = (): number => follower?.stalenessMs() ?? Number.POSITIVE_INFINITY
  // Never later than the time that the issuer itself vouched for last. A clock of ours that was ahead for a while, and is set
  // right, has then forgotten nothing meanwhile that tokens live by still.
  const index = revocationIndex({ now: () => clock.wall() - stalenessMs() })

  return {
    index,
    stalenessMs,
    start() {
      if (follower !== undefined) return
      follower = followRevocations({
        sources: 'open' in revocations ? [revocations] : revocations,
        issuer,
        keyFor: (kid, message) => keyFor(kid, keys, message),
        index,
        clock,
        maxStalenessMs,
        onEnded,
        onTrouble: (error) => logger?.warn({ err: error, issuer }, 'the revocation feed is in trouble'),
      })
      started.resolve(follower)
    },
    ready: async () => (await started.promise).ready(),
    health: () =>
      follower?.health() ?? {
        isReady: false,
        isCaughtUp: false,
        stalenessMs: Number.POSITIVE_INFINITY,
        through: undefined,
        source: undefined,
        entries: index.size,
        applied: 0,
        refused: 0,
        unknown: 0,
        lastError: undefined,
      },
    async close() {
      started.reject(new Error('closed'))
      await follower?.close()
    },
  }
}
