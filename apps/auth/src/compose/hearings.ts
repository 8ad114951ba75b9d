import type { Logger } from 'pino'
import type { Check } from '../health/index.ts'
import type { Reading } from '../metrics/index.ts'
import { type Hearing, createHearing } from '../process-manager/index.ts'

/** Who follows the log; where another process has its turn, registration and mail hear nothing. */
const FOLLOWERS = ['views', 'registration', 'mail', 'feed'] as const

/** How the subscription of each of them fares. */
export type Hearings = Readonly<Record<(typeof FOLLOWERS)[number], Hearing>>

/** Milliseconds for which a subscription may fail before readiness shows it: nodes restart, and leaders change. */
const SHOWN_AFTER_MS = 5_000

export function openHearings(logger: Pick<Logger, 'warn'>, nowMs: () => number): Hearings {
  const open = (subscription: keyof Hearings) =>
    createHearing({
      nowMs,
      onUnheard: (why) => logger.warn({ subscription, reason: why }, 'a subscription to the log failed, retrying'),
    })
  return { views: open('views'), registration: open('registration'), mail: open('mail'), feed: open('feed') }
}

/** Why a subscription receives nothing, once that has lasted. */
export function unheard(
  { state }: Pick<Hearing, 'state'>,
  nowMs: () => number,
  forMs = SHOWN_AFTER_MS,
): string | undefined {
  const { since, why } = state()
  if (since === undefined || nowMs() - since < forMs) return undefined
  return `the subscription to the log has failed for ${Math.floor((nowMs() - since) / 1000)} s: ${why}`
}

/** What readiness shows of subscriptions: decisions stand on none of them. */
export const hearingNotes = (hearings: Hearings, nowMs: () => number): Readonly<Record<string, Check>> =>
  Object.fromEntries(FOLLOWERS.map((name) => [`subscription of ${name}`, () => unheard(hearings[name], nowMs)]))

export const hearingMetrics = (hearings: Hearings, nowMs: () => number): readonly Reading[] => {
  const read = (value: (hearing: Hearing) => number) => () =>
    FOLLOWERS.map((subscription) => ({ labels: { subscription }, value: value(hearings[subscription]) }))
  return [
    {
      name: 'ledgate_subscription_failures_total',
      help: 'Failed attempts of a subscription to the log.',
      kind: 'counter',
      labelNames: ['subscription'],
      read: read(({ state }) => state().failures),
    },
    {
      name: 'ledgate_subscription_unheard_seconds',
      help: 'How long a subscription to the log has been failing.',
      kind: 'gauge',
      labelNames: ['subscription'],
      read: read(({ state }) => {
        const { since } = state()
        return since === undefined ? 0 : Math.max(0, nowMs() - since) / 1000
      }),
    },
  ]
}
