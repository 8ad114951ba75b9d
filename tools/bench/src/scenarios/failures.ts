import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import type { Scenario } from '../scenario.ts'

const ENTRY = fileURLToPath(new URL('../../../../apps/auth/src/testing/failing-sign-ins.ts', import.meta.url))
const TRIES = 100

interface Said {
  readonly attempted: number
  readonly events: number
  readonly allowed: number
  readonly seconds: number
  readonly elapsedMs: number
}

const isSaid = (said: unknown): said is Said =>
  typeof said === 'object' && said !== null && 'events' in said && 'allowed' in said && 'attempted' in said

/** An attack on every account at once must not fill the log. */
export const failures: Scenario = {
  name: 'failures',
  title: `events that ${TRIES} failed sign-ins at each of many accounts leave in the log`,
  async run({ options }) {
    const args = ['--conditions=@ledgate/source', '--max-old-space-size=8192', ENTRY]
    const { stdout } = await promisify(execFile)(process.execPath, [...args, String(options.accounts), String(TRIES)])
    const said: unknown = JSON.parse(stdout)
    if (!isSaid(said)) throw new Error(`the attack did not say what it left: ${stdout.slice(0, 200)}`)
    const { attempted, events, allowed, seconds } = said
    return [
      {
        scenario: 'failures',
        what: `${options.accounts.toLocaleString('en-US')} accounts`,
        value: events,
        unit: 'events',
        aims: [{ text: `at most ${allowed.toLocaleString('en-US')}`, isReached: events <= allowed }],
        note: `${attempted.toLocaleString('en-US')} tries in ${seconds} s of the attack`,
      },
    ]
  },
}
