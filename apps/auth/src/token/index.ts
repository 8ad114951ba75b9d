/** The token endpoint (RFC 6749 §3.2), and access tokens (RFC 9068). */
export { readAccessToken, type ReadAccessToken } from './access-token.ts'
export { grantTypes } from './grant-types/index.ts'
export { type TokenAnswer, type TokenDependencies } from './issuing.ts'
export { Located, locators, type Locators } from './locator.ts'
export { openGrant } from './opening.ts'
export { areLive, invalidServiceReason, type LiveParties, loadParties } from './parties.ts'
export { tokenRoutes } from './routes.ts'
