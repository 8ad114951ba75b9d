import { benchBootstrap, FULL_LOAD, IN_FLIGHT, underLoad } from '../bench.ts'
import { interleaved, ratioOf, rowOf } from '../interleave.ts'
import { refreshes, services } from '../ledgate/requests.ts'
import { sampleClaims } from '../ledgate/sample-token.ts'
import { atFullLoad } from '../peers/fastest-signer.ts'
import { startSigningOnly } from '../peers/start.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'

const NAME = 'refresh'

export const refresh: Scenario = {
  name: NAME,
  title: 'rotations, each connection renewing a grant of its own, beside the signing-only route',
  async run(bench) {
    const bootstrap = benchBootstrap()
    const { fastest } = await atFullLoad(bench)
    await using server = await bench.start(bootstrap)
    await using signing = await startSigningOnly(fastest, await sampleClaims(server.port, bootstrap))
    const ours = { ...server, name: 'refresh', workload: refreshes(server.port, bootstrap) }
    const limit = { ...signing, name: 'signing-only route', workload: services(signing.port, bootstrap) }
    const rows: Row[] = []
    for (const connections of IN_FLIGHT) {
      const subjects = [ours, limit].map((party) => underLoad(bench, { ...party, connections }))
      const [rotations, signed] = await interleaved(subjects, bench.options.rounds)
      if (rotations === undefined || signed === undefined) continue
      const line = { scenario: NAME, unit: 'tokens/s', inFlight: connections }
      const ratio = ratioOf(rotations, signed)
      const aims = connections === FULL_LOAD ? [{ text: 'at least 60 % of signing-only', isReached: ratio >= 0.6 }] : []
      rows.push(rowOf(rotations, { ...line, aims, beside: [{ peer: signed.name, ratio }] }), rowOf(signed, line))
    }
    return rows
  },
}
