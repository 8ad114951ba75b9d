import { runOutsideDecision } from '@ledgate/eventsourcing'
import { createBoundedCache } from '../limit/index.ts'
import { ANONYMOUS, type Clock, type CommandContext, type EventLog } from '../log/index.ts'
import { type LoginEvent, loginStream } from './events.ts'
import { type UserState } from '../user/index.ts'
import { login } from './login.decider.ts'
import { DEFAULT_LOGIN_RECORD_LIMITS, type LoginRecordLimits } from '../config/index.ts'

/** Writes down failed sign-ins, and successes after them. No one waits for it: it must not tell accounts from none. */
export interface LoginRecord {
  failed(user: UserState, failure: { reason: string; until?: number | undefined; context: CommandContext }): void
  succeeded(user: UserState, context: CommandContext): void
  /** Resolves when everything told so far is written. */
  settled(): Promise<void>
}

export interface LoginRecordDependencies {
  readonly log: EventLog
  readonly clock: Clock
  readonly newId: () => string
  readonly limits?: LoginRecordLimits
  /** Called when an event could not be written; the sign-in went on without. */
  onError(error: unknown): void
}

const HOUR = 3600
/** Bytes of the accounts that are counted in memory, and of one of them. */
const REMEMBERED = 32 * 1024 * 1024
const ACCOUNT = 256
const COUNTED_ACCOUNTS = 100_000

/** What every replica writes its summaries to. */
const SUMMARY_STREAM = loginStream.of('all')

interface Account {
  failures: number
  /** When events were written within the last hour. */
  written: number[]
}

/** The events of `login-<sub>`, thinned; what a success forgets is counted in memory and taken up again from the log. */
export function createLoginRecord(dependencies: LoginRecordDependencies): LoginRecord {
  const { log, clock, newId, onError, limits = DEFAULT_LOGIN_RECORD_LIMITS } = dependencies
  const accounts = createBoundedCache<Promise<Account>>({ maxBytes: REMEMBERED, bytesOf: () => ACCOUNT })
  const pending = new Set<Promise<void>>()
  const second = { at: 0, written: 0 }
  let withheld = { failures: 0, accounts: new Set<string>(), since: 0 }
  let summarizedAt = 0

  async function load(sub: string): Promise<Account> {
    const [newest] = await log.last(loginStream.of(sub))
    const isLogin = newest !== undefined && newest.type.startsWith('Login')
    const { failures } = isLogin ? login.evolve(login.initialState, newest as LoginEvent) : login.initialState
    return { failures, written: [] }
  }

  function accountOf(sub: string): Promise<Account> {
    const known = accounts.get(sub)
    if (known !== undefined) return known
    const account = load(sub)
    accounts.set(sub, account)
    account.catch(() => accounts.delete(sub))
    return account
  }

  function mayWrite(account: Account): boolean {
    const now = clock.now()
    if (second.at !== now) [second.at, second.written] = [now, 0]
    account.written = account.written.filter((at) => at > now - HOUR)
    if (account.written.length >= limits.perAccountAndHour || second.written >= limits.perSecond) return false
    account.written.push(now)
    second.written += 1
    return true
  }

  const system = (): CommandContext => {
    const commandId = newId()
    return { commandId, correlationId: commandId, causationId: commandId, actor: { type: 'system', id: 'sign-in' } }
  }

  async function summarize(): Promise<void> {
    const now = clock.now()
    if (withheld.failures === 0 || now - summarizedAt < limits.summaryEvery) return
    const data = { failures: withheld.failures, accounts: withheld.accounts.size, since: withheld.since }
    withheld = { failures: 0, accounts: new Set(), since: 0 }
    summarizedAt = now
    await log.append(SUMMARY_STREAM, [{ type: 'LoginFailuresWithheld', data }], { expected: 'any', context: system() })
  }

  async function withhold(sub: string): Promise<void> {
    if (withheld.failures === 0) withheld.since = clock.now()
    withheld.failures += 1
    if (withheld.accounts.size < COUNTED_ACCOUNTS) withheld.accounts.add(sub)
    await summarize()
  }

  const append = (user: UserState, events: readonly LoginEvent[], context: CommandContext) =>
    log.append(loginStream.of(user.sub), events, {
      expected: 'any',
      context: { ...context, commandId: newId(), actor: ANONYMOUS },
      dataKey: user.data_key,
    })

  function inBackground(work: () => Promise<void>): void {
    const settled = runOutsideDecision(work)
      .catch(onError)
      .finally(() => pending.delete(settled))
    pending.add(settled)
  }

  async function recordFailure(user: UserState, failure: Parameters<LoginRecord['failed']>[1]): Promise<void> {
    const account = await accountOf(user.sub)
    account.failures += 1
    const { reason, until, context } = failure
    const events = login.decide({ type: 'Fail', failures: account.failures, reason, until }, account)
    if (events.length === 0) return summarize()
    if (!mayWrite(account)) return withhold(user.sub)
    await append(user, events, context)
  }

  async function recordSuccess(user: UserState, context: CommandContext): Promise<void> {
    const account = await accountOf(user.sub)
    const events = login.decide({ type: 'Succeed', failures: account.failures }, account)
    account.failures = 0
    if (events.length > 0 && mayWrite(account)) await append(user, events, context)
  }

  return {
    failed: (user, failure) => inBackground(() => recordFailure(user, failure)),
    succeeded: (user, context) => inBackground(() => recordSuccess(user, context)),
    async settled() {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}
