import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { testFeed } from '@ledgate/revocation/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createVerifier } from '../src/verifier/index.ts'
import { type RevocationSource, type Verifier } from '../src/index.ts'
import { httpRevocations } from '../src/http/index.ts'
import { kafkaRevocations } from '../src/kafka/index.ts'
import { feedServer } from './feed-server.ts'
import { codeOf } from './outcome.ts'
import { AUDIENCE, ISSUER, network, seconds, signingKey, tokenBy } from './tokens.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const until = () => seconds() + 10_000

/** A feed over HTTP, and how a verifier is made that reads it while something else is away. */
async function world() {
  const feed = await testFeed({ issuer: ISSUER })
  const key = await signingKey('es')
  const http = await feedServer(feed)
  closing.push(http.close)
  const fallback = httpRevocations({ issuer: ISSUER, url: http.url, clientId: 'api', clientSecret: 'secret' })
  const opened = (primary: RevocationSource): Verifier => {
    const jwks = { fetch: network({ [ISSUER]: [key.jwk, feed.signer.jwk] }) }
    const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, revocations: [primary, fallback], jwks })
    closing.push(() => verifier.close())
    return verifier
  }
  return { feed, http, opened, token: (claims: object) => tokenBy(key, { ...claims }) }
}

/** Brokers that are away in the two ways there are. */
const OUTAGES: readonly [string, () => Promise<string>][] = [
  ['refuse every connection', async () => '127.0.0.1:1'],
  [
    'take a connection and say nothing',
    async () => {
      const sockets = new Set<{ destroy(): void }>()
      const server = createServer((socket) => sockets.add(socket.on('error', () => {})))
      await once(server.listen(0, '127.0.0.1'), 'listening')
      closing.push(async () => {
        sockets.forEach((socket) => socket.destroy())
        await new Promise((resolve) => server.close(resolve))
      })
      return `127.0.0.1:${(server.address() as AddressInfo).port}`
    },
  ],
]

describe('a verifier that begins in the middle of an outage of Kafka', () => {
  it.each(OUTAGES)(
    'whose brokers %s is ready by HTTP: knows what had ended, and hears of what ends',
    async (_, broker) => {
      const { http, opened, token } = await world()
      await http.end({ scope: 'session', id: 'before', until: until() })
      const verifier = opened(kafkaRevocations({ brokers: [await broker()], clientId: 'api' }))
      await verifier.start()
      const [dead, alive] = [await token({ sid: 'before' }), await token({ sid: 'later' })]
      expect(await codeOf(verifier.verify(dead))).toBe('token_revoked')
      expect(await codeOf(verifier.verify(alive))).toBe('good')
      await http.end({ scope: 'session', id: 'later', until: until() })
      await vi.waitFor(async () => expect(await codeOf(verifier.verify(alive))).toBe('token_revoked'))
      expect(verifier.health()).toMatchObject({ isReady: true, issuers: [{ revocations: { source: 'http' } }] })
    },
  )
})

describe('a verifier whose primary goes away while it runs', () => {
  it('goes on over HTTP after the place it had come to, never stale, and misses nothing', async () => {
    const { feed, http, opened, token } = await world()
    const primary = feed.source({ name: 'primary' })
    const verifier = opened(primary)
    const beat = feed.beat(200)
    await verifier.start()
    await http.end({ scope: 'session', id: 'one', until: until() })
    await vi.waitFor(() => expect(verifier.health().issuers[0]?.revocations).toMatchObject({ through: feed.position }))
    const place = feed.position
    primary.hang()
    await http.end({ scope: 'session', id: 'two', until: until() })
    const later = await token({ sid: 'two' })
    await vi.waitFor(
      async () => {
        const code = await codeOf(verifier.verify(later))
        expect(code).not.toBe('verifier_stale')
        expect(code).toBe('token_revoked')
      },
      { timeout: 15_000 },
    )
    beat()
    expect(http.asked).toEqual([`/revocations/stream?after=${place}`])
    expect(await codeOf(verifier.verify(await token({ sid: 'one' })))).toBe('token_revoked')
  })
})
