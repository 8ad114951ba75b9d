import { openProtocolCluster } from '@ledgate/eventstore-eventstoredb/testing'
import { followRevocations, revocationIndex, type TokenFacts } from '@ledgate/revocation'
import { httpRevocations } from '@ledgate/revocation/http'
import { decodeJwt, importJWK, type JWK } from 'jose'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { BOOTSTRAP, ISSUER, openService } from './service.ts'

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !condition(); await pause(5)) if (Date.now() > end) throw new Error(what)
}

it('each of two replicas publishes what the other revoked, and confirms it only while a majority answers', async () => {
  const cluster = await openProtocolCluster()
  onTestFinished(() => cluster.close())
  const environment = {
    LEDGATE_EVENTSTOREDB_URL: cluster.url,
    LEDGATE_MASTER_KEY: Buffer.alloc(32, 5).toString('base64url'),
  }
  const one = await openService(BOOTSTRAP, environment)
  onTestFinished(() => one.close())
  const other = await openService(BOOTSTRAP, environment)
  onTestFinished(() => other.close())
  const url = await other.listen()

  const index = revocationIndex()
  const keyFor = async (kid: string) => {
    const { keys } = (await other.get('/revocations/jwks')).body as { keys: JWK[] }
    const jwk = keys.find((key) => key.kid === kid)
    return jwk && ((await importJWK(jwk, 'ES256')) as Extract<Awaited<ReturnType<typeof importJWK>>, { type: string }>)
  }
  const credentials = { issuer: ISSUER, url, clientId: 'orders', clientSecret: 'orders-secret' }
  const follower = followRevocations({ sources: [httpRevocations(credentials)], issuer: ISSUER, keyFor, index })
  onTestFinished(() => follower.close())
  await follower.ready()

  const { body } = await one.signIn()
  const facts = { ...(decodeJwt(String(body['access_token'])) as unknown as TokenFacts), kid: 'any', isOffline: false }
  const before = follower.health().through ?? ''
  await one.revoke(String(body['access_token']))
  await until('it was not told', () => index.endedBy(facts) === 'jti')
  // Nothing more happens, and yet the place that is vouched for moves on, past what the filter leaves out.
  await until('it was not vouched for', () => (follower.health().through ?? '') > before)

  for (const node of cluster.nodes) node.faults.next('append', { kind: 'notReady' })
  await until('it is still vouched for', () => follower.health().stalenessMs > 3_000)
  for (const node of cluster.nodes) node.faults.clear()
  await until('it is not vouched for again', () => follower.health().stalenessMs < 1_500)
  expect(follower.health().refused).toBe(0)
})
