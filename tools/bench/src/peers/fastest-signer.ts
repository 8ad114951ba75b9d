import { FULL_LOAD, underLoad, type Bench } from '../bench.ts'
import { interleaved, ratioOf, rowOf, type Subject } from '../interleave.ts'
import type { Row } from '../report/row.ts'
import { SIGNERS, type SignerName } from './signer.ts'
import { startSigningOnly } from './start.ts'
import { tokenRequests } from './workload.ts'

/** How the two ways of signing compare as a route at one load. */
export interface Comparison {
  readonly fastest: SignerName
  readonly rows: readonly Row[]
}

export async function compareSigners(bench: Bench, connections: number): Promise<Comparison> {
  await using routes = new AsyncDisposableStack()
  const subjects: Subject[] = []
  for (const name of SIGNERS) {
    const { pid, port } = routes.use(await startSigningOnly(name))
    subjects.push(
      underLoad(bench, { name: `signing-only, ${name}`, pid, port, workload: tokenRequests(port), connections }),
    )
  }
  const measured = await interleaved(subjects, bench.options.rounds)
  const ratios = measured.map((other) => measured.map((one) => ratioOf(one, other)))
  const fastest = SIGNERS.find((_, index) => ratios.every((row) => !((row[index] ?? 0) < 1))) ?? SIGNERS[0]
  const line = { scenario: 'signer', unit: 'tokens/s', inFlight: connections }
  const rows = measured.map((one, index) =>
    rowOf(one, {
      ...line,
      beside: [{ peer: 'the fastest', ratio: 1 / (ratios[index]?.[SIGNERS.indexOf(fastest)] ?? Number.NaN) }],
    }),
  )
  return { fastest, rows }
}

const found = new WeakMap<Bench, Promise<Comparison>>()

/** The comparison at full load, made once in a run: the signing-only peer signs with the faster of the two. */
export function atFullLoad(bench: Bench): Promise<Comparison> {
  const known = found.get(bench) ?? compareSigners(bench, FULL_LOAD)
  found.set(bench, known)
  return known
}
