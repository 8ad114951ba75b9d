/** The revocation feed over Kafka. */
export { occasional } from './lazy-publisher.ts'
export { liveSet } from './live-set.ts'
export { outbox, type OutboxState } from './outbox.ts'
export { EndLost } from './topic-writer.ts'
