import { type LogEntry, type logCreator, logLevel } from 'kafkajs'

/** A logger for kafkajs: pino, or a compatible one. */
export interface KafkaLog {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/**
 * Messages of kafkajs that need no action: a group coordinator that is not available yet, the configured limit of retries, a response
 * to a request that timed out.
 */
const NOISE =
  /coordinator is not available|Limiting retries for the idempotent producer|switched default partitioner|Response without match/i

/** The fields that are logged; connection errors are reported by the reader and the publisher. */
const LOGGED_FIELDS = ['message', 'broker', 'clientId', 'topic', 'partition', 'groupId', 'error'] as const

const methodOf = (level: logLevel): keyof KafkaLog | undefined => {
  if (level === logLevel.ERROR) return 'error'
  if (level === logLevel.WARN) return 'warn'
  if (level === logLevel.INFO) return 'info'
  return level === logLevel.DEBUG ? 'debug' : undefined
}

function detailsOf({ namespace, log }: LogEntry): object {
  const fields = LOGGED_FIELDS.flatMap((name) => (typeof log[name] === 'string' ? [[name, log[name]]] : []))
  return { namespace: `kafkajs/${namespace}`, ...Object.fromEntries(fields) }
}

/** Passes the log of kafkajs on, without noise, stacks and other fields. */
export function kafkaLogCreator(log: KafkaLog | undefined): logCreator {
  return () => (entry) => {
    const method = methodOf(entry.level)
    if (log === undefined || method === undefined || NOISE.test(`${entry.log.message} ${entry.log['error']}`)) return
    log[method](detailsOf(entry), entry.log.message)
  }
}
