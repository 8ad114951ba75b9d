/** Abort signals for tokens in use. */
export { type Watchers, watchers } from './token-watchers.ts'
