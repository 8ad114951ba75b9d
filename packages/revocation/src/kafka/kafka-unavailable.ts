/** Kafka did not do as asked, or did not answer in time; what was asked for may have been done. */
export class KafkaUnavailable extends Error {
  readonly code = 'ERR_KAFKA_UNAVAILABLE'

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'KafkaUnavailable'
  }
}

/** What kafkajs ran into first, under what it says about its tries. */
function originOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? originOf(error.cause) : error
}

/** What a broker answers in the TLS handshake to a certificate that is missing or that it does not trust (RFC 8446 §6.2). */
const CERTIFICATE_ALERT = /_ALERT_(?:\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED)$/

const isRefusedCertificate = (origin: unknown): boolean =>
  origin instanceof Error && 'code' in origin && CERTIFICATE_ALERT.test(String(origin.code))

/** The words for Kafka that cannot be used, with what an operator can do about it. There is no secret in them. */
export function kafkaFailure(error: unknown): KafkaUnavailable {
  if (error instanceof KafkaUnavailable) return error
  const origin = originOf(error)
  // By its name: a module of CommonJS shows Node no export that it spreads.
  if (origin instanceof Error && origin.name === 'KafkaJSSASLAuthenticationError')
    return new KafkaUnavailable('Kafka refuses the user, or their password', {
      cause: error,
    })
  if (isRefusedCertificate(origin))
    return new KafkaUnavailable(
      "Kafka requires a client certificate, or refuses this client's: check tls.cert and tls.key, and whom the brokers trust",
      { cause: error },
    )
  const reason = origin instanceof Error ? origin.message : String(origin)
  return new KafkaUnavailable(`Kafka cannot be used now: ${reason}`, { cause: error })
}

/** @throws {KafkaUnavailable} when the work fails, or takes longer than so many milliseconds; it may still go on then. */
export async function within<Result>(deadlineMs: number, work: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new KafkaUnavailable(`Kafka did not answer within ${deadlineMs} ms`)),
    deadlineMs,
  )
  try {
    return await Promise.race([work, late.promise])
  } catch (error) {
    throw kafkaFailure(error)
  } finally {
    clearTimeout(timer)
  }
}
