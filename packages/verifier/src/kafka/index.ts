/** Revocations over Kafka; requires `kafkajs`. */
export {
  BrokenTopic,
  type KafkaLog,
  kafkaRevocations,
  type KafkaRevocationsOptions,
  KafkaUnavailable,
  UnreadableBatch,
} from '@ledgate/revocation/kafka'
