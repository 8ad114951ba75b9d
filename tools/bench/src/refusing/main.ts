/** One resource server: holds tokens, and notes when it refuses each. Argument: the assignment, as JSON. */
import { readFile } from 'node:fs/promises'
import { createVerifier } from '@ledgate/verifier'
import { httpRevocations } from '@ledgate/verifier/http'
import { kafkaRevocations } from '@ledgate/verifier/kafka'
import { decodeJwt } from 'jose'
import type { Assignment, Refusals } from './refusing.ts'

const { way, issuer, audience, api, brokers, file } = JSON.parse(process.argv[2] ?? '') as Assignment
const tokens = (await readFile(file, 'utf8')).split('\n')
const nthOf = new Map(tokens.map((token, nth) => [decodeJwt(token).jti, nth]))
const refusedAt = new Map<number, bigint>()

const verifier = createVerifier({
  issuer,
  audience,
  cache: { maxTokens: 10_000 },
  revocations:
    way === 'kafka'
      ? kafkaRevocations({ brokers, clientId: api.id })
      : httpRevocations({ issuer, clientId: api.id, clientSecret: api.secret }),
})
// The next request with the token would come at this very moment.
verifier.onRevoked(({ ended: { id } }) => {
  const nth = nthOf.get(id)
  if (nth === undefined || refusedAt.has(nth)) return
  verifier.verify(tokens[nth] ?? '').then(
    () => console.error('a token was accepted that the feed had ended'),
    () => refusedAt.set(nth, process.hrtime.bigint()),
  )
})
await verifier.start()
// All of them are good, and as well known as they get.
for (const token of tokens) await verifier.verify(token)

process.once('disconnect', () => process.exit())
process.on('message', () => {
  const at = [...refusedAt].map(([nth, time]) => [nth, String(time)] as const)
  process.send?.({ kind: 'refusals', at } satisfies Refusals)
})
process.send?.({ kind: 'ready' })
