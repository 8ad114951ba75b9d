/** Revocations from Kafka; needs `kafkajs`. */
export {
  BrokenTopic,
  type KafkaLog,
  kafkaRevocations,
  type KafkaRevocationsOptions,
  KafkaUnavailable,
  UnreadableBatch,
} from '@ledgate/revocation/kafka'
