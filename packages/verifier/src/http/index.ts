/** Revocations over HTTP: instead of Kafka, or while it is away. */
export * from '@ledgate/revocation/http'
