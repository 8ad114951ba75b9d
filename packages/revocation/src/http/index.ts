/** Revocations over HTTP: a snapshot, then server-sent events. */
export { FeedRefused } from './feed-refused.ts'
export { type HttpRevocations, httpRevocations } from './http-revocations.ts'
