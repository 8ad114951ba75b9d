/** Revocations, published to resource servers. */
export { type FeedState, openRevocationFeed, type RevocationFeed } from './feed.ts'
export { NOTICES_KEPT, SKEW } from './notice.ts'
export { revocations } from './projection.ts'
export { revocationQueries, type RevocationQueries } from './queries.ts'
export { openSnapshots } from './snapshot.ts'
