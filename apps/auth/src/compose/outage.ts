import type { Logger } from 'pino'
import { seldom } from '../process-manager/index.ts'
import type { WatchedStore } from './storage.ts'

export interface OutageOptions {
  readonly store: Pick<WatchedStore, 'health'>
  readonly logger: Pick<Logger, 'error' | 'info'>
  /** Milliseconds since the epoch. */
  nowMs(): number
}

const LOOK_EVERY_MS = 1_000

/** Says in the log why the store cannot be used, at most once a minute, and when it can be again. Call it now and then. */
export function createOutageReporter({ store, logger, nowMs }: OutageOptions): () => void {
  const say = seldom(nowMs, (reason: string) => logger.error({ reason }, 'the event store is unavailable'))
  let isOut = false
  return () => {
    const health = store.health()
    if (health.ok) {
      if (isOut) logger.info('the event store is available again')
      isOut = false
      return
    }
    isOut = true
    say(health.reason)
  }
}

/** Tells of outages until it is called to stop. */
export function watchOutages(options: OutageOptions): () => void {
  const timer = setInterval(createOutageReporter(options), LOOK_EVERY_MS).unref()
  return () => clearInterval(timer)
}
