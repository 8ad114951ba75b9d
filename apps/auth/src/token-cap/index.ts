/** The longest life that any access token was ever allowed. */
export { openTokenCap, type TokenCap } from './token-cap.ts'
