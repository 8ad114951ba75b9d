import { benchBootstrap, FULL_LOAD, IN_FLIGHT, underLoad, type Bench } from '../bench.ts'
import { interleaved, ratioOf, rowOf, type Measured } from '../interleave.ts'
import { services } from '../ledgate/requests.ts'
import { sampleClaims } from '../ledgate/sample-token.ts'
import { atFullLoad } from '../peers/fastest-signer.ts'
import { startBare, startOidcProvider, startSigningOnly } from '../peers/start.ts'
import { bareRequests, oidcRequests } from '../peers/workload.ts'
import type { Aim, Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'

const NAME = 'client-credentials'

export const clientCredentials: Scenario = {
  name: NAME,
  title: 'tokens for services, appended durably, beside the limit and a peer that keeps nothing',
  async run(bench) {
    const bootstrap = benchBootstrap()
    const { fastest } = await atFullLoad(bench)
    await using server = await bench.start(bootstrap)
    await using signing = await startSigningOnly(fastest, await sampleClaims(server.port, bootstrap))
    await using provider = await startOidcProvider(bootstrap)
    await sampleClaims(provider.port, bootstrap, '/token')
    await using bare = await startBare()
    const parties = [
      { ...server, name: 'client credentials', workload: services(server.port, bootstrap) },
      { ...signing, name: 'signing-only route', workload: services(signing.port, bootstrap) },
      { ...provider, name: 'oidc-provider', workload: oidcRequests(provider.port, bootstrap) },
      { ...bare, name: 'bare Fastify route', workload: bareRequests(bare.port) },
    ]
    return await inTurn(bench, parties)
  },
}

type Party = Omit<Parameters<typeof underLoad>[1], 'connections'>

async function inTurn(bench: Bench, parties: readonly Party[]): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const connections of IN_FLIGHT) {
    const subjects = parties.map((party) => underLoad(bench, { ...party, connections }))
    rows.push(...rowsAt(connections, await interleaved(subjects, bench.options.rounds)))
  }
  return rows
}

function rowsAt(inFlight: number, [ours, ...peers]: readonly Measured[]): readonly Row[] {
  if (ours === undefined) return []
  const line = { scenario: NAME, inFlight }
  const beside = peers.map((peer) => ({ peer: peer.name, ratio: ratioOf(ours, peer) }))
  const [signing = { ratio: Number.NaN }, provider = { ratio: Number.NaN }] = beside
  const aims: readonly Aim[] = [
    { text: 'at least 80 % of signing-only', isReached: signing.ratio >= 0.8 },
    { text: 'clearly more than oidc-provider (110 %)', isReached: provider.ratio > 1.1 },
  ]
  return [
    rowOf(ours, { ...line, unit: 'tokens/s', beside, ...(inFlight === FULL_LOAD && { aims }) }),
    ...peers.map((peer, index) => rowOf(peer, { ...line, unit: index === 2 ? 'requests/s' : 'tokens/s' })),
  ]
}
