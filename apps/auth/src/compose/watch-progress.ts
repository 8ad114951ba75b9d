import type { Logger } from 'pino'
import type { Views } from '../views/index.ts'

export interface ProgressOptions {
  readonly views: Pick<Views, 'health'>
  readonly logger: Pick<Logger, 'info'>
  /** Milliseconds since the epoch. */
  nowMs(): number
}

const LOOK_EVERY_MS = 1_000
const SAY_EVERY_MS = 5_000

/**
 * Says in the log how far the views have come that are built from the log, at the first call and every five seconds, and when they
 * have caught up. Says nothing where all were there at the first call. Call it now and then.
 */
export function createProgressReporter({ views, logger, nowMs }: ProgressOptions): () => void {
  const began = nowMs()
  let saidAt = Number.NEGATIVE_INFINITY
  let isSaid = false
  return () => {
    const all = views.health()
    const building = all.filter(({ isServedLive, state }) => !isServedLive || state === 'building')
    if (building.length === 0) {
      if (isSaid) logger.info({ seconds: (nowMs() - began) / 1000 }, 'the views have caught up with the log')
      isSaid = false
      return
    }
    if (nowMs() - saidAt < SAY_EVERY_MS) return
    saidAt = nowMs()
    isSaid = true
    const progress = building.map(({ name, events, eventsPerSecond, lagMs }) => ({
      view: name,
      events,
      eventsPerSecond,
      ...(lagMs > 0 && { reached: new Date(nowMs() - lagMs).toISOString() }),
    }))
    logger.info({ progress }, 'building the views from the log')
  }
}

/** Tells of progress until it is called to stop. */
export function watchProgress(options: ProgressOptions): () => void {
  const timer = setInterval(createProgressReporter(options), LOOK_EVERY_MS).unref()
  return () => clearInterval(timer)
}
