/** Revocations, published to resource servers. */
export { type FeedState, revocationFeed, type RevocationFeed } from './feed.ts'
export { NOTICES_KEPT, SKEW } from './notice.ts'
export { revocations } from './projection.ts'
export { revocationQueries, type RevocationQueries } from './queries.ts'
export { snapshots } from './snapshot.ts'
