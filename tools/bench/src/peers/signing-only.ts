/**
 * Peer: a Fastify route that only parses the form and signs an ES256 JWT. It checks no one and keeps nothing, so it is
 * the limit of any token endpoint of one process. Arguments: the signer's name and the claims as JSON.
 */
import { parse } from 'node:querystring'
import { fastify } from 'fastify'
import type { JWTPayload } from 'jose'
import { claimsNow, USUAL_CLAIMS } from './claims.ts'
import { listenForParent } from './listen.ts'
import { signer } from './signer.ts'

const [name = '', given] = process.argv.slice(2)
const sign = signer(name)
const claims: JWTPayload = given === undefined ? USUAL_CLAIMS : JSON.parse(given)

const app = fastify()
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
  done(null, parse(String(body)))
})
app.post('/oauth2/token', async (_request, reply) => {
  const access_token = await sign(claimsNow(claims))
  reply.header('cache-control', 'no-store')
  return { access_token, token_type: 'Bearer', expires_in: 300, scope: claims['scope'] }
})
await app.ready()
listenForParent(app.server)
