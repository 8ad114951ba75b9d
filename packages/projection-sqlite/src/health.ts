import type { ProjectionHealth } from '@ledgate/eventsourcing'
import type { Following } from './following.ts'
import type { Kept } from './opening.ts'

/** How a projection is doing, as of now. */
export function healthOf(kept: Kept, { isLive, oldestWaiting, failure }: Following): ProjectionHealth {
  const { name, version, served, live } = kept
  const build = kept.candidate ?? live
  if (build === undefined) throw new Error(`${name} has no build`)
  const { poison, progress, meter, lastCreated } = build
  const problem = failure()
  const going = isLive(build) ? 'live' : 'building'
  const isServedLive = live !== undefined && isLive(live)
  const behindSince = isLive(build) ? oldestWaiting() : lastCreated
  return {
    name,
    version,
    state: poison ? 'stopped' : problem === undefined ? going : 'failing',
    serving: { version: served.version, position: live?.progress.position ?? served.position },
    isServedLive,
    position: progress.position,
    lagMs: behindSince === undefined ? 0 : Math.max(0, Date.now() - behindSince),
    events: meter.total(),
    eventsPerSecond: meter.perSecond(),
    ...(poison && { poison }),
    ...(problem !== undefined && { failure: problem }),
  }
}
