/**
 * A real Kafka broker as a process, until it is told to stop or its standard input ends:
 * `node --conditions=@ledgate/source tools/kafka/src/main.ts [--data <folder>] [--port <n>] [--secured]`.
 * Prints one line of JSON when it answers. With `--check` it only says by its exit code whether it could start.
 */
import { parseArgs } from 'node:util'
import { startBroker } from './broker.ts'
import { hasJava, isInstalled } from './jars.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    port: { type: 'string' },
    secured: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})

const missing = !isInstalled()
  ? 'the jars of Kafka are not there: npm run install:kafka brings them'
  : !hasJava()
    ? 'Kafka needs Java 17 or newer'
    : undefined
if (missing !== undefined) {
  process.stderr.write(`${missing}\n`)
  process.exit(1)
}
if (values.check) process.exit(0)

const stopped = Promise.withResolvers<void>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.resolve())
process.stdin.on('end', () => stopped.resolve()).on('error', () => stopped.resolve())
process.stdin.resume()

const broker = await startBroker({
  data: values.data,
  port: values.port === undefined ? undefined : Number(values.port),
  isSecured: values.secured,
})
const { brokers, pid, data, secured } = broker
const said = secured && {
  brokers: secured.brokers,
  mutual: secured.mutual,
  ca: secured.ca,
  username: secured.username,
  password: secured.password,
}
process.stdout.write(`${JSON.stringify({ brokers, pid, data, secured: said })}\n`)
await Promise.race([stopped.promise, broker.ended])
await broker.stop()
process.exit(0)
