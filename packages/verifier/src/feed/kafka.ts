/** Revocations from Kafka; needs `kafkajs`. */
export * from '@ledgate/revocation/kafka'
