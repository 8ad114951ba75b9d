/** The ports of a feed: where its readers take it from, where its issuer publishes it, and how long each waits. */
export { isBrokerAddress } from './broker-address.ts'
export type { NoticePublisher, Publication, TopicRange, ConfirmedOffsets } from './notice-publisher.ts'
export type { FeedItem, OpenFeed, RevocationSource } from './revocation-source.ts'
export * from './timing.ts'
