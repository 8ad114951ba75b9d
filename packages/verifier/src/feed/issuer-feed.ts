import type { PublicKey } from '@ledgate/jws'
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

/** The revocations of one issuer, followed in the background. */
export interface IssuerFeed {
  readonly index: RevocationIndex
  /** Milliseconds up to which revocations may be missing; `Infinity` before it has caught up. */
  stalenessMs(): number
  start(): void
  /** Resolves once it has caught up. */
  ready(): Promise<void>
  health(): FeedHealth
  close(): Promise<void>
}

export interface IssuerFeedOptions {
  readonly issuer: string
  readonly revocations: Revocations
  /** The keys that sign the feed. */
  readonly keys: KeyCache
  readonly maxStalenessMs: number
  readonly clock: Clock
  readonly logger: Logger | undefined
  /** Is called with each revocation; without a notice if it comes from a snapshot. */
  readonly onRevoked: (ended: Ended, notice: Notice | undefined) => void
}

/** Milliseconds for which a statement with an unknown `kid` waits for a fetch of the key set. */
const KEY_WAIT_MS = 10_000

/** The key of a feed; the key set is fetched if it is unknown. @throws {Error} while it cannot be told whether it exists. */
async function keyFor(kid: string, keys: KeyCache, message?: ArrivedMessage): Promise<PublicKey | undefined> {
  if (!(await keys.seek(kid, KEY_WAIT_MS, message?.arrivedAt)))
    throw new Error('the keys that sign the feed cannot be fetched')
  return keys.get(kid)?.key
}

/** The feed of an issuer, which is followed once it is started. */
export function issuerFeed({
  issuer,
  revocations,
  keys,
  maxStalenessMs,
  clock,
  logger,
  onRevoked,
}: IssuerFeedOptions): IssuerFeed {
  const started = Promise.withResolvers<RevocationFollower>()
  started.promise.catch(() => {}) // Reported by `ready`.
  let follower: RevocationFollower | undefined
  const stalenessMs = (): number => follower?.stalenessMs() ?? Number.POSITIVE_INFINITY
  // Never later than the last time that the issuer confirmed. A local clock that was ahead and is corrected then has not
  // dropped entries that still matter.
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
        onRevoked,
        onTrouble: (error) => logger?.warn({ err: error, issuer }, 'the revocation feed reported a problem'),
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
