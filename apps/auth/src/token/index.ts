/** Access tokens: who gets one, what it says, how one is read back. */
export * from './access-token.ts'
export type { SignIn, TokenAnswer, TokenDependencies } from './issuing.ts'
export { newId, openGrant } from './opening.ts'
export * from './liveness.ts'
export * from './locator.ts'
export * from './routes.ts'
