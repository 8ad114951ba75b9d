import { RevocationError } from '../error/index.ts'

/**
 * A request to Kafka failed, or was not answered in time; it may have been carried out.
 *
 * @example
 * ```ts
 * import type { Logger } from '@ledgate/verifier'
 * import { KafkaUnavailable } from '@ledgate/verifier/kafka'
 *
 * export const logger: Pick<Logger, 'warn'> = {
 *   warn(fields, message) {
 *     if ('err' in fields && fields.err instanceof KafkaUnavailable) console.warn('Kafka is unavailable: the verifier reconnects')
 *     else console.warn(message)
 *   },
 * }
 * ```
 */
export class KafkaUnavailable extends RevocationError {
  override readonly name = 'KafkaUnavailable'
  readonly code = 'ERR_KAFKA_UNAVAILABLE'
}

/** The original error below the retry errors of kafkajs. */
function originOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? originOf(error.cause) : error
}

/** The TLS alerts of a broker for a missing or untrusted client certificate (RFC 8446 §6.2). */
const CERTIFICATE_ALERT = /_ALERT_(?:\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED)$/

const isRefusedCertificate = (origin: unknown): boolean =>
  origin instanceof Error && 'code' in origin && CERTIFICATE_ALERT.test(String(origin.code))

/** The error for an operator, without secrets, from an error of kafkajs. */
export function kafkaFailure(error: unknown): KafkaUnavailable {
  if (error instanceof KafkaUnavailable) return error
  const origin = originOf(error)
  // By name, since Node cannot import this export from the CommonJS module by name.
  if (origin instanceof Error && origin.name === 'KafkaJSSASLAuthenticationError')
    return new KafkaUnavailable('Kafka rejected the username or the password', {
      cause: error,
    })
  if (isRefusedCertificate(origin))
    return new KafkaUnavailable(
      'Kafka requires a client certificate, or rejected this one: check tls.cert and tls.key, and the CA that the brokers trust',
      { cause: error },
    )
  const reason = origin instanceof Error ? origin.message : String(origin)
  return new KafkaUnavailable(`Kafka is unavailable: ${reason}`, { cause: error })
}

/** Waits for the work. @throws {KafkaUnavailable} if it fails or exceeds the deadline; it may then still be running. */
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
