import { FEED_ALGORITHMS, type Notice, type Scope, type TokenFacts } from '@ledgate/revocation'
import {
  discoverJwksUri,
  type KeyCache,
  RemoteKeySet,
  type KeyCacheOptions,
  signatureAlgorithms,
  DEFAULT_ALGORITHMS,
} from '../key/index.ts'
import { secureUrl } from '../url/index.ts'
import { timerMs } from '../time/index.ts'
import { type IssuerFeed, issuerFeed, type Staleness } from '../feed/index.ts'
import { audienceOf, boundsOf, type IssuerOptions, type VerifierOptions } from '../options/index.ts'
import type { Needed } from './readiness.ts'
import type { TrustedIssuer } from '../token/index.ts'
import type { Clock } from '@ledgate/revocation'
import type { IssuerHealth } from './issuer-health.ts'
import type { Principal } from '../principal/index.ts'
import { watchers } from '../watch/index.ts'

/** Everything that runs for one issuer. */
export interface IssuerRuntime extends TrustedIssuer {
  endedBy(facts: TokenFacts): Scope | undefined
  watch(principal: Principal): AbortSignal
  start(): void
  /** What must be ready before tokens can be verified, each with a name. */
  readiness(): Needed
  isReady(): boolean
  health(): IssuerHealth
  close(): Promise<void>
}

export interface RuntimeOptions {
  readonly clock: Clock
  readonly maxStalenessMs: number
  readonly staleness: Staleness
  readonly onNotice: (notice: Notice, issuer: string) => void
}

/**
 * A missing key of the feed is searched for again soon, so that no notice is lost; and invented kids in a feed do not delay it for
 * longer than the time between two heartbeats.
 */
const SEARCH_FOR_FEED_KEYS = { longestMissingMs: 1_000, searchEveryMs: 1_000 }

/** The options that the key sets of an issuer share. */
function keyOptions(issuer: IssuerOptions, options: VerifierOptions, clock: Clock, which: string) {
  const { logger, metrics } = options
  const onFetch: KeyCacheOptions['onFetch'] = (outcome, error) => {
    metrics?.count('key_fetches', { outcome, issuer: issuer.issuer, keys: which })
    if (outcome === 'failed') logger?.warn({ err: error, issuer: issuer.issuer }, `the ${which} keys cannot be fetched`)
  }
  const { uri: _, unknownKidWaitMs: __, ...fetching } = issuer.jwks ?? {}
  return { ...fetching, clock, onFetch }
}

function tokenKeys(issuer: IssuerOptions, options: VerifierOptions, clock: Clock): KeyCache {
  const { allowInsecureRequests = false, jwks } = issuer
  const uri = jwks?.uri === undefined ? undefined : secureUrl(jwks.uri, allowInsecureRequests).href
  return new RemoteKeySet({
    ...keyOptions(issuer, options, clock, 'token'),
    algorithms: signatureAlgorithms(issuer.algorithms ?? DEFAULT_ALGORITHMS),
    locate: (limits) =>
      uri === undefined
        ? discoverJwksUri({ issuer: issuer.issuer, allowInsecureRequests, ...limits })
        : Promise.resolve(uri),
  })
}

function feedKeys(issuer: IssuerOptions, options: VerifierOptions, clock: Clock): KeyCache {
  const { allowInsecureRequests = false, feedKeysUri = `${issuer.issuer.replace(/\/$/, '')}/revocations/jwks` } = issuer
  const uri = secureUrl(feedKeysUri, allowInsecureRequests).href
  return new RemoteKeySet({
    ...keyOptions(issuer, options, clock, 'feed'),
    ...SEARCH_FOR_FEED_KEYS,
    algorithms: FEED_ALGORITHMS,
    locate: () => Promise.resolve(uri),
  })
}

/** What runs for one issuer, once it is started. @throws {TypeError} if the options are invalid. */
export function issuerRuntime(
  issuer: IssuerOptions,
  options: VerifierOptions,
  { clock, maxStalenessMs, staleness, onNotice }: RuntimeOptions,
): IssuerRuntime {
  const name = issuer.issuer
  const keys = tokenKeys(issuer, options, clock)
  const signers = issuer.revocations === false ? undefined : feedKeys(issuer, options, clock)
  const feed: IssuerFeed | undefined =
    issuer.revocations === false || signers === undefined
      ? undefined
      : issuerFeed({
          issuer: name,
          revocations: issuer.revocations,
          keys: signers,
          maxStalenessMs,
          clock,
          logger: options.logger,
          onRevoked(ended, notice) {
            // In both sets, since a notice does not say which one the key is from.
            if (ended.scope === 'key') for (const set of [keys, signers]) set.ban(ended.id)
            watching.revoke(ended)
            if (notice !== undefined) onNotice(notice, name)
          },
        })
  const endedBy = (facts: TokenFacts): Scope | undefined => feed?.index.endedBy(facts)
  const watching = watchers({
    clock,
    toleranceSeconds: boundsOf(options).clockToleranceSeconds,
    endedBy,
    isStale: () => feed !== undefined && staleness.refuses(feed.stalenessMs()),
  })

  const isReady = (): boolean => keys.isFresh() && (feed === undefined || feed.stalenessMs() <= maxStalenessMs)

  return {
    name,
    audience: audienceOf(issuer, options),
    unknownKidWaitMs: timerMs(issuer.jwks?.unknownKidWaitMs ?? 0, 'jwks.unknownKidWaitMs', 0),
    keys,
    feed,
    endedBy,
    watch: watching.watch,
    start() {
      keys.start()
      signers?.start()
      feed?.start()
    },
    readiness: () => [
      { name: `keys of ${name}`, ready: keys.ready(), lastError: () => keys.health().lastError },
      ...(feed === undefined
        ? []
        : [
            {
              name: `revocations of ${name}`,
              ready: feed.ready(),
              lastError: () => signers?.health().lastError ?? feed.health().lastError,
            },
          ]),
    ],
    isReady,
    health: () => ({
      issuer: name,
      isReady: isReady(),
      keys: keys.health(),
      ...(feed && { revocations: feed.health() }),
    }),
    async close() {
      watching.close()
      keys.close()
      signers?.close()
      await feed?.close()
    },
  }
}
