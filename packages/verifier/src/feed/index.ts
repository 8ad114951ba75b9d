/** The revocation feed of one issuer, and what happens to tokens while it is stale. */
export { type IssuerFeed, issuerFeed } from './issuer-feed.ts'
export { requireActive, type Staleness, stalePolicy } from './stale-policy.ts'
