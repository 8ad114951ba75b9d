import { interleaved, type Measured, ratioOf, rowOf } from '../interleave.ts'
import { isMeasure } from '../load/job.ts'
import { startChild } from '../process/child.ts'
import type { Aim, Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'
import { type Verifying, WAYS } from '../verifying/verifying.ts'

const NAME = 'verify'

/** One process and one core for all, in turn. */
export const verify: Scenario = {
  name: NAME,
  title: 'tokens that a resource server checks per second, revocation included, beside what others do without it',
  async run({ options }) {
    const rows: Row[] = []
    for (const alg of ['ES256', 'RS256', 'EdDSA']) {
      const entry = new URL('../verifying/main.ts', import.meta.url)
      await using child = await startChild({ name: 'verifying', entry, args: [alg] })
      const subjects = WAYS.map((way) => ({
        name: `${alg} ${way}`,
        pid: child.pid,
        run: () =>
          child.ask({ kind: 'verifying', way, durationMs: options.appendSliceMs } satisfies Verifying, isMeasure),
      }))
      rows.push(...rowsOf(await interleaved(subjects, options.rounds)))
    }
    return rows
  },
}

function rowsOf([seen, fastSeen, fresh, jose, ...others]: readonly Measured[]): readonly Row[] {
  if (seen === undefined || fastSeen === undefined || fresh === undefined || jose === undefined) return []
  const line = { scenario: NAME, unit: 'tokens/s' }
  const [cached, uncached] = [ratioOf(seen, fastSeen), ratioOf(fresh, jose)]
  const aim = (text: string, isReached: boolean): readonly Aim[] => [{ text, isReached }]
  return [
    rowOf(seen, {
      ...line,
      beside: [{ peer: fastSeen.name, ratio: cached }],
      aims: aim('at least 1.5 times fast-jwt with its cache', cached >= 1.5),
    }),
    rowOf(fastSeen, line),
    rowOf(fresh, {
      ...line,
      beside: [{ peer: jose.name, ratio: uncached }],
      aims: aim('at least 90 % of jose', uncached >= 0.9),
    }),
    rowOf(jose, line),
    ...others.map((other) => rowOf(other, line)),
  ]
}
