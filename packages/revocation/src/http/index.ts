/** Revocations over HTTP: a snapshot, then server-sent events. */
export { FeedRefused } from './feed-refused.ts'
export { httpRevocations, type HttpRevocations } from './http-revocations.ts'
