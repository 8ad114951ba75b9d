import type { FastifyPluginAsync } from 'fastify'
import { clientAuthentication } from '../client/index.ts'
import type { RequestContext } from '../http/index.ts'
import { feedRoutes, openings, revocationFeed, type RevocationFeed, snapshots } from '../publication/index.ts'
import type { Core } from './core.ts'

/** What a server says of ended tokens. */
export interface Feed {
  readonly feed: RevocationFeed
  readonly routes: FastifyPluginAsync
  /** Ends every stream at once. */
  drain(): void
}

/** The feed of a server, and its routes. */
export function openFeed(core: Core, requests: RequestContext): Feed {
  const { config, store, storage, views, clock, logger, feedKeys } = core
  const { issuer, tokenCap, limits } = config
  const stopping = new AbortController()
  const said = { store, pulse: storage.pulse, keys: feedKeys, issuer, tokenCap, clock }
  const feed = revocationFeed({
    ...said,
    onError: (error) => logger.error({ err: error }, 'the feed of revocations stumbled and begins again'),
  })
  const routes = {
    feed,
    snapshots: snapshots({ ...said, views }),
    feedKeys,
    authentication: clientAuthentication({ ...core, audience: [issuer, `${issuer}/oauth2/token`] }),
    requests,
    opened: limits === undefined ? () => {} : openings(),
    draining: stopping.signal,
  }
  return {
    feed,
    routes: async (app) => void (await app.register(feedRoutes, routes)),
    drain: () => stopping.abort(),
  }
}
