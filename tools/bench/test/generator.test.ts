import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeBootstrap } from '../src/ledgate/bootstrap.ts'
import { clientCredentials, passwordGrant, refreshes, services } from '../src/ledgate/requests.ts'
import { startGenerator, type Generator } from '../src/load/generator.ts'
import { startChild, type Child } from '../src/process/child.ts'

const bootstrap = makeBootstrap(4)
const time = { warmupMs: 50, durationMs: 400 }

describe('the load generator', () => {
  let server: Child
  let generator: Generator

  beforeAll(async () => {
    server = await startChild({ name: 'stand-in', entry: new URL('./stand-in.ts', import.meta.url) })
    generator = await startGenerator()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await generator[Symbol.asyncDispose]()
  })

  it('presents the newest refresh token of its own grant every time', async () => {
    const { port } = server
    const measure = await generator.run({ port, connections: 16, workload: refreshes(port, bootstrap), ...time })
    expect(measure.errors).toEqual({})
    expect(measure.completed).toBeGreaterThan(16) // of each connection more than its first
  })

  it('counts an answer of another status as an error and not as completed', async () => {
    const { port } = server
    const person = { email: 'absent@bench.example', password: 'any' }
    const requests = [clientCredentials(port, bootstrap), passwordGrant(port, bootstrap, person)]
    const workload = { kind: 'repeat', requests, expect: 200 } as const
    const measure = await generator.run({ port, connections: 1, workload, ...time })
    expect(Object.keys(measure.errors)).toEqual(['400'])
    expect(measure.errors['400']).toBeGreaterThan(0)
    expect(measure.completed).toBeGreaterThan(0)
  })

  it('stops at the limit it was given', async () => {
    const { port } = server
    const limits = { warmupMs: 0, durationMs: 60_000, limit: 100 }
    const measure = await generator.run({ port, connections: 1, workload: services(port, bootstrap), ...limits })
    expect(measure.completed).toBe(100)
    expect(measure.elapsedMs).toBeLessThan(60_000)
  })

  it('keeps its rate when it is given one', async () => {
    const { port } = server
    const job = { port, connections: 4, ratePerSecond: 50, warmupMs: 0, durationMs: 1000 }
    const measure = await generator.run({ ...job, workload: services(port, bootstrap) })
    expect(measure.completed).toBeGreaterThan(0)
    expect(measure.completed).toBeLessThanOrEqual(51)
  })

  it('reports a server that is not there as broken connections', async () => {
    const measure = await generator.run({ port: 1, connections: 2, workload: services(1, bootstrap), ...time })
    expect(measure.completed).toBe(0)
    expect(measure.errors['broken']).toBeGreaterThan(0)
  })
})
