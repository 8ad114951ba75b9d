import { ERASED, type Sealer } from '@ledgate/vault'
import { type EventLog, KeptSource, type RecordIn } from '../log/index.ts'
import type { LoginLimits } from '../config/index.ts'
import { loginStream } from './events.ts'

/** What the log says of failed sign-ins at an account lately. Times are in milliseconds since the epoch. */
export interface LoginHistory {
  /** What strangers spent of the budget that they share: how much of it is missing at a time. */
  readonly shared: { readonly spent: number; readonly at: number } | undefined
  /** Sources that have to wait. */
  readonly delays: readonly {
    readonly source: string
    readonly count: number
    readonly at: number
    readonly until: number
  }[]
}

/** Events of an account that are looked at: an hour has six at most. */
const EVENTS = 12

type LoginRecord = RecordIn<typeof loginStream>
type Failure = Extract<LoginRecord, { type: 'LoginFailed' | 'LoginDelayed' }>

const isFailure = (event: LoginRecord): event is Failure =>
  event.type === 'LoginFailed' || event.type === 'LoginDelayed'

/** Failures are counted on from one event to the next; what was spent comes back meanwhile. */
function sharedOf(oldestFirst: readonly LoginRecord[], { sharedFailures, sharedPeriod }: LoginLimits) {
  let [spent, at, counted] = [0, 0, 0]
  for (const event of oldestFirst) {
    if (event.type === 'LoginSucceeded') counted = 0
    if (!isFailure(event)) continue
    const back = at === 0 ? 0 : ((event.created - at) / 1000 / sharedPeriod) * sharedFailures
    spent = Math.min(sharedFailures, Math.max(0, spent - back) + Math.max(0, event.data.failures - counted))
    at = event.created
    counted = event.data.failures
  }
  return at === 0 ? undefined : { spent, at }
}

async function sourceOf({ envelope: { source } }: LoginRecord, sealer: Pick<Sealer, 'unseal'>) {
  const text = typeof source === 'string' ? await sealer.unseal(source, 'source') : ERASED
  return text === ERASED ? undefined : KeptSource.parse(JSON.parse(text)).hash
}

/** The delay doubles from the first one on: how long it was says how many failures it came after. */
function delayOf(
  { created: at, data }: Extract<LoginRecord, { type: 'LoginDelayed' }>,
  source: string,
  { freeFailures, firstDelay }: LoginLimits,
): LoginHistory['delays'][number] {
  const until = data.until * 1000
  const doubled = Math.round(Math.log2(Math.max(1, (until - at) / 1000 / firstDelay)))
  return { source, count: freeFailures + doubled, at, until }
}

/** Failed sign-ins as the log tells them: thinned, so a bit less than there were. */
export async function readLoginHistory(
  log: EventLog,
  sealer: Pick<Sealer, 'unseal'>,
  sub: string,
  limits: LoginLimits,
): Promise<LoginHistory> {
  const events = await log.last(loginStream.of(sub), EVENTS)
  const delays: LoginHistory['delays'][number][] = []
  const forgiven = new Set<string>()
  for (const event of events) {
    if (event.type !== 'LoginDelayed' && event.type !== 'LoginSucceeded') continue
    const source = await sourceOf(event, sealer)
    if (source === undefined || forgiven.has(source)) continue
    if (event.type === 'LoginSucceeded') forgiven.add(source)
    else delays.push(delayOf(event, source, limits))
  }
  return { shared: sharedOf(events.toReversed(), limits), delays }
}
