/** Grants: what a client may do for a user, and the refresh token of that. */
export { GrantState, grantStream, type RefreshState, serviceStream } from './events.ts'
export { grant, type GrantCommand, type Issued, type NewRefresh } from './grant.decider.ts'
export { changeGrant, grantOf, readGrant, type ReadGrant } from './grants.ts'
export { grants } from './projection.ts'
export { grantQueries, type GrantQueries } from './queries.ts'
export { makeRefreshToken, readRefreshToken, type RefreshToken } from './refresh-token.ts'
export { judgeRefresh, needsSpending, type Presented } from './refresh.decider.ts'
export {
  hasOwnRevocation,
  isRevokedByGrant,
  moveRevokedTokens,
  revokeGrantToken,
  revokeServiceToken,
} from './revoked-token.ts'
export { sourceHash, spendingOf } from './spending.ts'
