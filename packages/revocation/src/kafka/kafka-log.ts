import { type LogEntry, type logCreator, logLevel } from 'kafkajs'

/** Where what kafkajs says goes: pino, or anything like it. */
export interface KafkaLog {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/**
 * What kafkajs says and nobody needs to act on: that a coordinator is slow to be found, that it limits its tries as it was
 * told to, and that a request is tried again.
 */
const NOISE =
  /coordinator is not available|Limiting retries for the idempotent producer|switched default partitioner|Response without match/i

/** What kafkajs may tell; the connection itself is reported by whoever uses it. */
const TOLD = ['message', 'broker', 'clientId', 'topic', 'partition', 'groupId', 'error'] as const

const methodOf = (level: logLevel): keyof KafkaLog | undefined => {
  if (level === logLevel.ERROR) return 'error'
  if (level === logLevel.WARN) return 'warn'
  if (level === logLevel.INFO) return 'info'
  return level === logLevel.DEBUG ? 'debug' : undefined
}

function detailsOf({ namespace, log }: LogEntry): object {
  const told = TOLD.flatMap((name) => (typeof log[name] === 'string' ? [[name, log[name]]] : []))
  return { namespace: `kafkajs/${namespace}`, ...Object.fromEntries(told) }
}

/** Hands what kafkajs says to a log, without the noise, its stacks and anything it was not asked for. */
export function kafkaLogCreator(log: KafkaLog | undefined): logCreator {
  return () => (entry) => {
    const method = methodOf(entry.level)
    if (log === undefined || method === undefined || NOISE.test(`${entry.log.message} ${entry.log['error']}`)) return
    log[method](detailsOf(entry), entry.log.message)
  }
}
