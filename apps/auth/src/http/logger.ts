import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
import { parseNetwork, UNKNOWN_NETWORK } from './network.ts'

/** What never reaches a log, wherever in a record it stands. */
const SECRET_NAMES = new Set([
  'password',
  'new_password',
  'client_secret',
  'client_assertion',
  'token',
  'access_token',
  'refresh_token',
  'refresh_attempt',
  'code',
  'secret',
  'authorization',
  'cookie',
  'set-cookie',
  'dpop',
])

/** Deeper than any record; a circle ends here. */
const MAX_DEPTH = 12

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** A copy of plain data without its secrets; anything else as it is. */
function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > MAX_DEPTH) return '[deep]'
  if (Array.isArray(value)) return value.map((each) => withoutSecrets(each, depth + 1))
  if (!isPlain(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      SECRET_NAMES.has(name.toLowerCase()) ? '[redacted]' : withoutSecrets(each, depth + 1),
    ]),
  )
}

/** Only what tells requests apart: no query, no header, no body, and the network instead of the address. */
const request = ({ method, url, ip }: { method: string; url: string; ip: string }) => ({
  method,
  path: url.split('?')[0],
  network: (parseNetwork(ip) ?? UNKNOWN_NETWORK).text,
})

/**
 * Structured logs, one JSON object a line on standard output by default, secrets cut out by name. They are cut out when
 * a line is written: pino's own `redact` does it for every child logger, and Fastify makes one for every request.
 */
export function createLogger(options: LoggerOptions, destination: DestinationStream = pino.destination(1)): Logger {
  const ours: LoggerOptions = {
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { log: (record) => withoutSecrets(record) as Record<string, unknown> },
    serializers: { req: request, err: pino.stdSerializers.errWithCause },
  }
  return pino({ ...ours, ...options }, destination)
}
