import type { ProjectionHealth } from '@ledgate/eventsourcing'
import type { BuildFeed } from './feed-builds.ts'
import type { ProjectionBuilds } from './open-builds.ts'

/** The current health of a projection. */
export function healthOf(projection: ProjectionBuilds, feed: BuildFeed): ProjectionHealth {
  const { name, version, served, live } = projection
  const build = projection.candidate ?? live
  if (build === undefined) throw new Error(`${name} has no build`)
  const { poison, progress, meter, lastCreated } = build
  const failure = feed.failure()
  const healthy = feed.isLive(build) ? 'live' : 'building'
  const isServedLive = live !== undefined && feed.isLive(live)
  const behindSince = feed.isLive(build) ? feed.oldestWaiting() : lastCreated
  return {
    name,
    version,
    state: poison ? 'stopped' : failure === undefined ? healthy : 'failing',
    serving: { version: served.version, position: live?.progress.position ?? served.position },
    isServedLive,
    position: progress.position,
    lagMs: behindSince === undefined ? 0 : Math.max(0, Date.now() - behindSince),
    events: meter.total(),
    eventsPerSecond: meter.perSecond(),
    ...(poison && { poison }),
    ...(failure !== undefined && { failure }),
  }
}
