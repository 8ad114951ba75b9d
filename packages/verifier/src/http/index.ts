/** Revocations over HTTP: instead of Kafka, or as a fallback. */
export * from '@ledgate/revocation/http'
