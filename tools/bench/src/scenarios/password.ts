import { benchBootstrap, FULL_LOAD, IN_FLIGHT, underLoad, type Bench } from '../bench.ts'
import { interleaved, ratioOf, rowOf, type Subject } from '../interleave.ts'
import { passwords } from '../ledgate/requests.ts'
import { isMeasure } from '../load/job.ts'
import type { Hashing } from '../peers/hashing.ts'
import { startArgon2id } from '../peers/start.ts'
import type { Child } from '../process/child.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'

const NAME = 'password'

export const password: Scenario = {
  name: NAME,
  title: 'sign-ins by password beside argon2id alone on all cores',
  async run(bench) {
    const bootstrap = benchBootstrap()
    await using server = await bench.start(bootstrap)
    await using argon2id = await startArgon2id()
    const ours = { ...server, name: NAME, workload: passwords(server.port, bootstrap) }
    const rows: Row[] = []
    for (const connections of IN_FLIGHT) {
      const subjects = [underLoad(bench, { ...ours, connections }), hashing(bench, argon2id, connections)]
      const [signIns, hashes] = await interleaved(subjects, bench.options.rounds)
      if (signIns === undefined || hashes === undefined) continue
      const line = { scenario: NAME, unit: 'tokens/s', inFlight: connections }
      const ratio = ratioOf(signIns, hashes)
      const aims =
        connections === FULL_LOAD ? [{ text: 'at least 90 % of argon2id alone', isReached: ratio >= 0.9 }] : []
      rows.push(rowOf(signIns, { ...line, aims, beside: [{ peer: hashes.name, ratio }] }))
      rows.push(rowOf(hashes, { ...line, unit: 'hashes/s' }))
    }
    return rows
  },
}

function hashing({ options }: Bench, child: Child, inFlight: number): Subject {
  const order: Hashing = { kind: 'hashing', inFlight, durationMs: options.sliceMs }
  return { name: 'argon2id alone', pid: child.pid, run: () => child.ask(order, isMeasure) }
}
