/** The longest life that any access token was ever allowed. */
export { tokenCapEvents } from './events.ts'
export { openTokenCap, type TokenCap } from './token-cap.ts'
