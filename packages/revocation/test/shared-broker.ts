import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type OwnBroker, SHARED_BROKER, startOwnBroker } from '../src/testing/broker.ts'

const server = createServer({ allowHalfOpen: true })
let broker: Promise<OwnBroker> | undefined

/** Lets all test files of this package share one broker: the first that asks for one has it started. */
export async function setup(): Promise<void> {
  server.on('connection', (socket) => {
    broker ??= startOwnBroker()
    broker.then(
      ({ brokers, data }) => socket.end(JSON.stringify({ brokers, data })),
      (error: unknown) => socket.destroy(error instanceof Error ? error : undefined),
    )
    socket.on('error', () => undefined)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  process.env[SHARED_BROKER] = String((server.address() as AddressInfo).port)
}

export async function teardown(): Promise<void> {
  server.close()
  await (await broker)?.close()
}
