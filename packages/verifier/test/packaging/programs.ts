/** The programs of users that the packed package is tried with. */

/** What the README shows, in a test of a user: TypeScript, and with the types away it is JavaScript. */
export const APP = `
import { createServer } from 'node:http'
import { createVerifier, guard, VerifierError } from '@ledgate/verifier'
import { dpop } from '@ledgate/verifier/dpop'
import { nodeAuth, principalOf } from '@ledgate/verifier/node'
import { testDpopKey, testIssuer } from '@ledgate/verifier/testing'

const issuer = await testIssuer()
const verifier = createVerifier(issuer.verifierOptions({ dpop: dpop() }))
await verifier.start()
const auth = nodeAuth(verifier)
const server = createServer(async (request, response) => {
  const principal = await auth.handle(request, response, guard.scopes('orders:read'))
  if (principal) response.end('hello ' + principal.sub + principalOf(request).sub)
})
server.listen(0, '127.0.0.1', async () => {
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const token = await issuer.token({ scope: 'orders:read', sub: 'u_1' })
  const send = async () => (await fetch('http://127.0.0.1:' + port, { headers: { authorization: 'Bearer ' + token } })).text()
  console.log(await send())
  await issuer.revoke(token)
  console.log(await send())
  console.log(await verifier.verify(token).catch((error) => error instanceof VerifierError && error.code))
  console.log((await testDpopKey()).jkt.length)
  server.close()
  await verifier.close()
})
`
export const PRINTED = [
  'hello u_1u_1',
  '{"error":"invalid_token","error_description":"The access token provided is expired, revoked, malformed, or invalid for other reasons"}',
  'token_revoked',
  '43',
]

export const TYPES = `
import type { Principal, RevocationSource, Verifier, VerifierErrorCode } from '@ledgate/verifier'
import { guard, type Guard } from '@ledgate/verifier'

export const own: Guard = guard.all(guard.anyScope('a', 'b'), guard.entitlement((context) => String(context.params?.['id'])))
export const names = (principal: Principal): readonly string[] => [principal.sub, ...principal.scopes, principal.facts.jti]
export const code: VerifierErrorCode = 'token_revoked'
export const watched = (verifier: Verifier, principal: Principal): AbortSignal => verifier.watch(principal)
export const nothing: RevocationSource = { name: 'none', async *open() {} }
// @ts-expect-error it is no code
export const wrong: VerifierErrorCode = 'token_revked'
// @ts-expect-error a principal cannot be changed
export const change = (principal: Principal) => (principal.sub = 'u_2')
`

export const ADAPTERS = `
import { expressAuth } from '@ledgate/verifier/express'
import { fastifyAuth, principalOf } from '@ledgate/verifier/fastify'
import { honoAuth } from '@ledgate/verifier/hono'
import { koaAuth } from '@ledgate/verifier/koa'
import { nestAuth } from '@ledgate/verifier/nest'
import { createVerifier, guard } from '@ledgate/verifier'
import * as kafka from '@ledgate/verifier/kafka'
import * as http from '@ledgate/verifier/http'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'

const verifier = createVerifier({ issuer: 'https://auth.example', audience: 'https://api.example', revocations: false })
const read = guard.scopes('orders:read')
const app = fastify()
app.get('/', { onRequest: fastifyAuth(verifier).require(read) }, async (request) => principalOf(request).sub)
express().get('/', expressAuth(verifier).require(read), (request, response) => void response.send(principalOf(request).sub))
new Koa().use(koaAuth(verifier).require(read))
new Hono().get('/', honoAuth(verifier).require(read), (context) => context.text(principalOf(context).sub))
console.log(typeof nestAuth(verifier).require(read).canActivate, typeof kafka, typeof http)
console.log((await app.inject('/')).statusCode)
`

/**
 * A service that is bundled, with a look at what of kafkajs came into the bundle: what its own parts do is what these do. One
 * line for each of what is mended in it.
 */
export const BUNDLED = `
import { kafkaRevocations } from '@ledgate/verifier/kafka'
import response from 'kafkajs/src/protocol/requests/fetch/v11/response.js'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

const source = kafkaRevocations({ brokers: ['127.0.0.1:9'], deadlineMs: 1_000 })
const opened = async () => {
  for await (const items of source.open({ cursor: undefined, after: undefined, signal: new AbortController().signal })) return items
}
if (process.argv[2] === 'opened') await opened().catch(() => undefined)

// One batch at offset 7 of the topic, in a format that nobody knows.
const topic = Buffer.from('ledgate.revocations.v1')
const batch = Buffer.alloc(61)
batch.writeBigInt64BE(7n)
batch.writeInt32BE(batch.length - 12, 8)
batch.writeInt8(9, 16)
const int32 = (value) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const head = Buffer.concat([Buffer.alloc(10), int32(1), Buffer.from([0, topic.length]), topic, int32(1), Buffer.alloc(6)])
const offsets = Buffer.alloc(24)
offsets.writeBigInt64BE(8n)
const answer = Buffer.concat([head, offsets, int32(-1), int32(-1), int32(batch.length), batch])
const { responses } = await response.decode(answer)
console.log(responses[0].partitions[0].messages.map(({ offset }) => offset).join())

const logger = { debug() {}, warn() {} }
let isWarned = false
process.on('warning', ({ name }) => (isWarned ||= name === 'TimeoutNegativeWarning'))
new RequestQueue({ clientId: 'test', broker: 'none:0', logger }).checkPendingRequests()
setTimeout(() => {
  console.log(isWarned ? 'warned' : 'quiet')
  process.exit()
}, 50)
`
