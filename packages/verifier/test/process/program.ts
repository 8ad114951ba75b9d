/** A process with a verifier in it, for tests of what is left when it is over. What it does is its argument. */
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { testFeed } from '@ledgate/revocation/testing'
import { createVerifier } from '../../src/verifier/index.ts'
import { type Verifier, type VerifierOptions } from '../../src/index.ts'
import { VerifierError } from '../../src/error/index.ts'
import { httpRevocations } from '../../src/http/index.ts'
import { kafkaRevocations } from '../../src/kafka/index.ts'
import { cutOffEvents, nodeAuth } from '../../src/node/index.ts'
import { feedServer } from '../feed-server.ts'
import { AUDIENCE, ISSUER, network, signingKey, tokenBy } from '../tokens.ts'

const feed = await testFeed({ issuer: ISSUER })
const key = await signingKey('es')
const jwks = { fetch: network({ [ISSUER]: [key.jwk, feed.signer.jwk] }) }
const common = { issuer: ISSUER, audience: AUDIENCE, jwks }

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'good',
    (error: unknown) => (error instanceof VerifierError ? error.code : String(error)),
  )

/** Sources by TCP: Kafka, which is away, and HTTP. */
async function overTheNetwork() {
  const http = await feedServer(feed)
  const options: VerifierOptions = {
    ...common,
    revocations: [
      kafkaRevocations({ brokers: ['127.0.0.1:1'], clientId: 'api' }),
      httpRevocations({ issuer: ISSUER, url: http.url, clientId: 'api', clientSecret: 'secret' }),
    ],
  }
  return { http, options }
}

async function wholeLife(): Promise<void> {
  const { http, options } = await overTheNetwork()
  const verifier = createVerifier(options)
  await verifier.start()
  const principal = await verifier.verify(await tokenBy(key))
  const signal = verifier.watch(principal)
  await verifier.close()
  console.log(signal.reason.code)
  await http.close()
}

/** Closes verifiers at every moment of their start, and while they verify. */
async function races(): Promise<void> {
  const { http, options } = await overTheNetwork()
  const beat = feed.beat(100)
  const outcomes = new Set<string>()
  const note = async (verifier: Verifier, wait: number): Promise<void> => {
    const starts = [codeOf(verifier.start()), codeOf(verifier.start({ timeoutMs: 20 }))]
    await turns(wait)
    const verdict = codeOf(verifier.verify(await tokenBy(key)))
    const closes = [verifier.close(), verifier.close()]
    for (const outcome of await Promise.all([...starts, verdict])) outcomes.add(outcome)
    await Promise.all(closes)
  }
  await createVerifier(options).close()
  const down = async () => Promise.reject(new TypeError('fetch failed'))
  const hung = () => new Promise<never>(() => {})
  for (let wait = 0; wait < 30; wait += 1)
    await Promise.all(
      [options, { ...options, revocations: feed.source() }, { ...options, revocations: false as const }].flatMap(
        (each) => [jwks.fetch, down, hung].map((fetch) => note(createVerifier({ ...each, jwks: { fetch } }), wait)),
      ),
    )
  beat()
  await http.close()
  console.log([...outcomes].sort().join())
}

/** An API with an open stream, which ends when it is told to. */
async function api(): Promise<void> {
  const { http, options } = await overTheNetwork()
  const verifier = createVerifier({
    ...options,
    revocations: [feed.source(), options.revocations].flat().slice(0, 2) as never,
  })
  const beat = feed.beat(100)
  await verifier.start()
  const auth = nodeAuth(verifier)
  const server = createServer((request, response) => {
    void auth.handle(request, response).then((principal) => {
      if (principal === undefined) return
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n')
      cutOffEvents(response, verifier.watch(principal))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  process.once('SIGTERM', () => {
    server.close()
    beat()
    void verifier.close().then(() => http.close())
  })
  const { port } = server.address() as AddressInfo
  const headers = { authorization: `Bearer ${await tokenBy(key)}` }
  get({ port, host: '127.0.0.1', headers }, (response) => {
    response.once('data', () => process.kill(process.pid, 'SIGTERM'))
    response.once('end', () => console.log('ended'))
  })
}

const works: Readonly<Record<string, () => Promise<void>>> = { wholeLife, races, api }
await works[process.argv[2] ?? '']?.()
