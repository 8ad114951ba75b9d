/** Grants: what a client may do for a person, and its one refresh token. */
export { grant, type GrantCommand, type Issued, type NewRefresh } from './decider.ts'
export * from './events.ts'
export * from './grants.ts'
export { judgeRefresh, needsSpending, type Presented, type PresentRefreshToken } from './refresh.ts'
export * from './refresh-token.ts'
export * from './revoked-token.ts'
export * from './spending.ts'
export * from './turns.ts'
