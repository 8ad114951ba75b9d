/** Revocations over Kafka, by kafkajs: publishing them, following them, and the topic between. */
export { type KafkaOptions } from './connection.ts'
export { BrokenTopic } from './continuity.ts'
export { cursorOf, offsetOf } from './cursor.ts'
export { KafkaUnavailable } from './failure.ts'
export { type KafkaLog } from './log.ts'
export { kafkaPublisher } from './publisher.ts'
export { kafkaRevocations, type KafkaRevocationsOptions } from './source.ts'
export { ensureTopic, TOPIC, UnfitTopic, type EnsureTopicOptions } from './topic.ts'
