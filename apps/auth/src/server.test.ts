import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { createLogger } from './http/index.ts'
import { buildServer, type ServerDependencies } from './server.ts'

/** Longer than any test lasts: what ends by it, never does. */
const NEVER_MS = 900_000

it('a connection that was opened for later does not hold up the end of the server', async () => {
  const app = await buildServer({
    issuer: 'http://127.0.0.1:4040',
    logger: createLogger({ level: 'silent' }),
    metrics: { observe: () => {}, expose: async () => '' } as unknown as ServerDependencies['metrics'],
    readiness: { isDraining: false } as unknown as ServerDependencies['readiness'],
    origins: () => new Set(),
    oauth: [],
    others: [],
    timeLimits: { request: NEVER_MS, keepAlive: NEVER_MS },
  })
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const silent = connect(Number(port), '127.0.0.1')
  silent.on('error', () => {})
  await once(silent, 'connect')
  const closed = once(silent, 'close')
  await app.close()
  await closed
  expect(app.server.listening).toBe(false)
})
