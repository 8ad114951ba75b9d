import type { FastifyPluginAsync } from 'fastify'
import type { ClientAuthentication } from '../client-authentication/index.ts'
import type { RequestContext } from '../http/index.ts'
import type { Reading } from '../metrics/index.ts'
import { feedRoutes, createConnectionRateLimit } from '../revocation-feed/http/index.ts'
import { type FeedState, openRevocationFeed, type RevocationFeed, openSnapshots } from '../revocation-feed/index.ts'
import type { Core } from './core.ts'
import { seldom } from '../process-manager/index.ts'

/** What a server says of ended tokens. */
export interface Feed {
  readonly feed: RevocationFeed
  readonly routes: FastifyPluginAsync
  readonly readings: readonly Reading[]
  /** Ends every stream at once. */
  drain(): void
}

const readingsOf = (state: () => FeedState, nowMs: () => number): readonly Reading[] => [
  {
    name: 'ledgate_feed_vouched_seconds',
    help: 'Age of the newest heartbeat of the feed; beyond their limit, resource servers treat their data as stale.',
    kind: 'gauge',
    read: () => (nowMs() - state().vouchedAt) / 1000,
  },
  {
    name: 'ledgate_feed_followers',
    help: 'Readers of the feed: open streams, and the Kafka publisher.',
    kind: 'gauge',
    read: () => state().followers,
  },
]

/** What everything that is said of ended tokens stands on. */
export const feedDependencies = ({ config, store, storage, clock, feedKeys, installation, tokenCap }: Core) => ({
  store,
  readBarrier: storage.readBarrier,
  keys: feedKeys,
  issuer: config.issuer,
  issuerEpoch: installation.issuerEpoch,
  tokenCap: tokenCap.highest,
  clock,
})

/** The feed of a server, and its routes. */
export function openFeed(core: Core, requests: RequestContext, authentication: ClientAuthentication): Feed {
  const { config, views, clock, logger, feedKeys } = core
  const { limits } = config
  const stopping = new AbortController()
  const grounds = feedDependencies(core)
  const feed = openRevocationFeed({
    ...grounds,
    hearing: core.hearings.feed,
    onError: seldom(clock.nowMs, (error: unknown) =>
      logger.error({ err: error }, 'the revocation feed failed, restarting'),
    ),
  })
  const routes = {
    feed,
    log: core.log,
    clock,
    snapshots: openSnapshots({ ...grounds, views }),
    feedKeys,
    parsePosition: core.store.parsePosition,
    authentication,
    requests,
    opened: limits === undefined ? () => {} : createConnectionRateLimit(limits.feed),
    draining: stopping.signal,
  }
  return {
    feed,
    routes: async (app) => void (await app.register(feedRoutes, routes)),
    readings: readingsOf(() => feed.state(), clock.nowMs),
    drain: () => stopping.abort(),
  }
}
