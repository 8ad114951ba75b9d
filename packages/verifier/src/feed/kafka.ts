/** Revocations from Kafka; needs `kafkajs`. */
export {
  BrokenTopic,
  type KafkaLog,
  kafkaRevocations,
  type KafkaRevocationsOptions,
  KafkaUnavailable,
} from '@ledgate/revocation/kafka'
