import type { Check } from '../health/index.ts'
import type { Reading } from '../metrics/index.ts'
import type { Core } from './core.ts'
import { unheard } from './hearings.ts'

/** Milliseconds by which the views may be behind before the server says that it is not ready. */
const MAX_LAG_MS = 10_000

/** What has to be well for the server to take requests: the log, and every view, which has been at the end of the log once. */
export function checksOf({
  store,
  views,
  hearings,
  clock,
}: Pick<Core, 'store' | 'views' | 'hearings' | 'clock'>): Readonly<Record<string, Check>> {
  return {
    log() {
      const health = store.health()
      return health.ok ? undefined : health.reason
    },
    views() {
      const ill = views
        .health()
        .filter(
          ({ state, isServedLive, lagMs }) =>
            state === 'stopped' || state === 'failing' || !isServedLive || lagMs > MAX_LAG_MS,
        )
      return ill.length === 0
        ? unheard(hearings.views, clock.nowMs, MAX_LAG_MS)
        : ill.map(({ name, state }) => `${name} is ${state === 'live' ? 'behind' : state}`).join(', ')
    },
  }
}

/** The numbers that the parts keep themselves. */
export function metricsOf({ store, views }: Core): readonly Reading[] {
  const counter = (name: string, help: string, read: () => number): Reading => ({ name, help, kind: 'counter', read })
  const gauge = (name: string, help: string, read: () => number): Reading => ({ name, help, kind: 'gauge', read })
  return [
    counter('ledgate_log_appends_total', 'Appends written.', () => store.counters().appends),
    counter('ledgate_log_events_total', 'Events written.', () => store.counters().events),
    counter('ledgate_log_commits_total', 'Transactions; concurrent appends share one.', () => store.counters().batches),
    gauge('ledgate_log_queued_appends', 'Appends waiting for the disk.', () => store.counters().queued),
    gauge(
      'ledgate_log_last_commit_seconds',
      'Duration of the last transaction.',
      () => store.counters().lastCommitMs / 1000,
    ),
    gauge('ledgate_log_up', '1 while the log accepts appends.', () => (store.health().ok ? 1 : 0)),
    {
      name: 'ledgate_view_lag_seconds',
      help: 'Lag of a view behind the log.',
      kind: 'gauge',
      labelNames: ['view'],
      read: () => views.health().map(({ name, lagMs }) => ({ labels: { view: name }, value: lagMs / 1000 })),
    },
    {
      name: 'ledgate_view_stopped',
      help: '1 when a view stopped at an event it cannot apply.',
      kind: 'gauge',
      labelNames: ['view'],
      read: () =>
        views.health().map(({ name, state }) => ({ labels: { view: name }, value: state === 'stopped' ? 1 : 0 })),
    },
  ]
}
