/** The revocation feed over Kafka. */
export { createLazyPublisher } from './lazy-publisher.ts'
export { openLiveSet } from './live-set.ts'
export { createOutbox, type OutboxState } from './outbox.ts'
export { TopicTruncated } from './topic-writer.ts'
