/**
 * A server with the HTTP face of Ledgate and nothing behind it, for testing the bench. Each refresh token works once:
 * a generator that presents anything but the newest one is answered 400.
 */
import { randomUUID } from 'node:crypto'
import { parse } from 'node:querystring'
import { fastify } from 'fastify'
import { claimsNow, USUAL_CLAIMS } from '../src/peers/claims.ts'
import { signer } from '../src/peers/signer.ts'

const sign = signer('node:crypto, DER')
const live = new Set<string>()
const app = fastify()

app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
  done(null, parse(String(body)))
})
app.get('/readyz', () => ({ ready: true }))
app.post('/accounts', (_request, reply) => reply.code(202).send())
app.post<{ Body: Record<string, string> }>('/oauth2/token', async ({ body, headers }, reply) => {
  const { grant_type, refresh_token, username = '' } = body
  const isKnown = grant_type !== 'refresh_token' || live.delete(refresh_token ?? '')
  const isWrong = !isKnown || username.startsWith('absent') || body['password'] === 'a wrong password'
  if (isWrong) return reply.code(400).send({ error: 'invalid_grant' })
  if (headers.authorization === undefined) return reply.code(401).send({ error: 'invalid_client' })
  const access_token = await sign(claimsNow(USUAL_CLAIMS))
  if (grant_type === 'client_credentials') return { access_token }
  const next = `r1.${randomUUID()}`
  live.add(next)
  return { access_token, refresh_token: next }
})
process.once('SIGTERM', () => void app.close().then(() => process.exit()))
process.once('disconnect', () => process.exit())
await app.listen({ port: Number(process.env['LEDGATE_PORT'] ?? 0), host: '127.0.0.1' })
const address = app.server.address()
process.send?.({ kind: 'ready', port: typeof address === 'object' ? address?.port : undefined })
