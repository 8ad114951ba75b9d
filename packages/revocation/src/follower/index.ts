/** Follows a feed through its sources: reconnects, checks that nothing is missing, and keeps an index up to date. */
export { followRevocations } from './follow-revocations.ts'
export type { FeedHealth, FollowRevocations, RevocationFollower } from './follower.ts'
export { type Freshness, freshness, type FreshnessOptions } from './freshness.ts'
export { BrokenFeed } from './snapshot-coverage.ts'
export { SilentFeed } from './source-connection.ts'
