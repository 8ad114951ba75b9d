import { randomUUID } from 'node:crypto'
import { benchBootstrap, type Bench } from '../bench.ts'
import type { Bootstrap, Person } from '../ledgate/bootstrap.ts'
import { passwordGrant } from '../ledgate/requests.ts'
import { jsonRequest } from '../load/request.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'
import { median } from '../statistics.ts'
import { compare, type Group, type Timings } from '../timing/compare.ts'

/** Whether somebody can learn from the time of an answer that an address has an account. */
export const timing: Scenario = {
  name: 'timing',
  title: 'existing against absent addresses: medians of tries in random order',
  async run(bench) {
    const bootstrap = benchBootstrap()
    await using server = await bench.start(bootstrap)
    const registering = [
      registration(server.port, EXISTING, existing(bootstrap)),
      registration(server.port, ABSENT, absent),
    ]
    const signingIn = [
      wrongPassword(server.port, { name: EXISTING, bootstrap, who: existing(bootstrap) }),
      wrongPassword(server.port, { name: ABSENT, bootstrap, who: absent }),
    ]
    const { port } = server
    const { tries } = bench.options
    return [
      ...rowsOf(bench, 'register', await compare({ port, groups: registering, tries, expect: 202 })),
      ...rowsOf(bench, 'sign-in, wrong password', await compare({ port, groups: signingIn, tries, expect: 400 })),
    ]
  },
}

const EXISTING = 'existing address'
const ABSENT = 'absent address'

/** As long as the addresses of the users who exist, so that length is no difference. */
const absent = (): Person => ({ email: `absent-${randomUUID()}@bench.example`, password: '' })

const existing =
  ({ people }: Bootstrap) =>
  (index: number): Person =>
    people[index % people.length] ?? absent()

function registration(port: number, name: string, who: (index: number) => Person): Group {
  const account = (index: number): object => ({ email: who(index).email, password: `registering ${randomUUID()}` })
  return { name, request: (index) => jsonRequest({ port, path: '/accounts' }, account(index)) }
}

interface WrongPassword {
  readonly name: string
  readonly bootstrap: Bootstrap
  readonly who: (index: number) => Person
}

function wrongPassword(port: number, { name, bootstrap, who }: WrongPassword): Group {
  const wrong = (index: number): Person => ({ email: who(index).email, password: 'a wrong password' })
  return { name, request: (index) => passwordGrant(port, bootstrap, wrong(index)) }
}

function rowsOf({ options }: Bench, what: string, { latencies, answers, errors }: Timings): readonly Row[] {
  const [known = [], unknown = []] = [latencies.get(EXISTING), latencies.get(ABSENT)]
  const ratio = median(known) / median(unknown)
  const line = { scenario: 'timing', unit: 'ms', inFlight: 1 }
  const bodies = new Set([...answers.values()].flatMap((some) => [...some]))
  const isEqual = Math.abs(ratio - 1) <= 0.05
  const aims = [
    { text: `medians within 5 % over ${options.tries} tries`, isReached: isEqual },
    { text: 'one and the same answer', isReached: bodies.size === 1 },
  ]
  return [
    {
      ...line,
      what: `${what}, ${EXISTING}`,
      value: median(known),
      errors,
      beside: [{ peer: ABSENT, ratio }],
      aims,
      note: noiseOf(known),
    },
    { ...line, what: `${what}, ${ABSENT}`, value: median(unknown), note: noiseOf(unknown) },
  ]
}

/** How far two halves of the same group are apart: a difference between the groups below that says nothing. */
function noiseOf(latencies: readonly number[]): string {
  const [even, odd] = [0, 1].map((rest) => median(latencies.filter((_, index) => index % 2 === rest)))
  return `its own two halves differ by ${(Math.abs((even ?? Number.NaN) / (odd ?? Number.NaN) - 1) * 100).toFixed(1)} %`
}
