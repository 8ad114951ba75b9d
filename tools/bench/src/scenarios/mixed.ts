import { benchBootstrap, FULL_LOAD } from '../bench.ts'
import { passwords, services } from '../ledgate/requests.ts'
import { startGenerator } from '../load/generator.ts'
import type { Scenario } from '../scenario.ts'

const RATE = 50

/** Two generators, so that the busy one's own work is not in the other one's latencies. */
export const mixed: Scenario = {
  name: 'mixed',
  title: `sign-ins by password at full load and ${RATE} client-credentials requests per second beside them`,
  async run({ options, generator, start }) {
    const bootstrap = benchBootstrap()
    await using server = await start(bootstrap)
    await using beside = await startGenerator()
    const time = { port: server.port, warmupMs: options.warmupMs, durationMs: options.mixedMs }
    const [signIns, tokens] = await Promise.all([
      generator.run({ ...time, connections: FULL_LOAD, workload: passwords(server.port, bootstrap) }),
      beside.run({ ...time, connections: 32, ratePerSecond: RATE, workload: services(server.port, bootstrap) }),
    ])
    const line = { scenario: 'mixed' }
    return [
      { ...line, ...signIns, what: 'password', inFlight: FULL_LOAD, value: signIns.perSecond, unit: 'tokens/s' },
      {
        ...line,
        ...tokens,
        what: 'client credentials beside it',
        value: tokens.perSecond,
        unit: 'tokens/s',
        aims: [{ text: 'p99 under 100 ms', isReached: tokens.p99 < 100 }],
        note: `due at ${RATE}/s, timed from when each was due`,
      },
    ]
  },
}
