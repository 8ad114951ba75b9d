import { createVerifier, type Verifier } from '@ledgate/verifier'
import { httpRevocations } from '@ledgate/verifier/http'
import { kafkaRevocations } from '@ledgate/verifier/kafka'
import { answering } from './answering.ts'
import { ordersApi } from './api.ts'
import { type DemoSettings, readSettings, SettingsError } from './settings.ts'
import { type Trouble, troubleLog } from './trouble.ts'

/** As long as a timer can: what the verifier waits for is told as it comes. */
const FOR_EVER_MS = 2 ** 31 - 1

function fail(message: string): never {
  console.error(`demo: ${message}`)
  process.exit(1)
}

function configured(): DemoSettings {
  try {
    return readSettings(process.env)
  } catch (error) {
    if (error instanceof SettingsError) fail(error.message)
    throw error
  }
}

function verifierOf(settings: DemoSettings, tell: (trouble: Trouble) => void): Verifier {
  const { issuer, audience, clientId, clientSecret, brokers } = settings
  const overHttp = httpRevocations({ issuer, clientId, clientSecret })
  return createVerifier({
    issuer,
    audience,
    revocations: brokers === undefined ? overHttp : [kafkaRevocations({ brokers, clientId }), overHttp],
    logger: troubleLog(tell),
  })
}

/** Runs the orders API until it is told to stop. Until the server is there, it answers 503. */
export async function serve(): Promise<void> {
  const settings = configured()
  const { issuer, port } = settings
  const stopping = new AbortController()
  let isReady = false
  const verifier = verifierOf(settings, ({ line, isFinal }) => {
    if (isFinal && !isReady) fail(line)
    console.error(`demo: ${line}`)
  })
  const api = ordersApi(verifier)

  const stop = async (): Promise<void> => {
    stopping.abort()
    await api.close()
    await verifier.close()
    process.exit(0)
  }
  // Each time: npm and the terminal may both say so, and the second must not end it before the first has.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop())

  const address = await api
    .listen({ host: '127.0.0.1', port })
    .catch((error: unknown) => fail(`DEMO_PORT: ${error instanceof Error ? error.message : String(error)}`))
  try {
    await answering(issuer, stopping.signal, () => console.log(`demo: waiting for ${issuer}, which npm start starts`))
    await verifier.start({ timeoutMs: FOR_EVER_MS })
  } catch (error) {
    if (stopping.signal.aborted) return
    throw error
  }
  isReady = true
  console.log(`demo: the orders API listens at ${address} and trusts ${issuer}`)
}
