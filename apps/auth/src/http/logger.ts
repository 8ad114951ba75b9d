import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'

/** What never reaches a log, wherever in a record it stands. */
const SECRET_NAMES = [
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
]

const redactions = SECRET_NAMES.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`, `*.*.*["${name}"]`])

/** Only what tells requests apart: no query, no header, no body. */
const request = ({ method, url, ip }: { method: string; url: string; ip: string }) => ({
  method,
  path: url.split('?')[0],
  ip,
})

/** Structured logs, one JSON object a line on standard output unless told, secrets cut out by name. */
export function logger(options: LoggerOptions, destination: DestinationStream = pino.destination(1)): Logger {
  const ours: LoggerOptions = {
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: redactions, censor: '[redacted]' },
    serializers: { req: request, err: pino.stdSerializers.errWithCause },
  }
  return pino({ ...ours, ...options }, destination)
}
