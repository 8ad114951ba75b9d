import { followRevocations, type FollowRevocations, revocationIndex } from '@ledgate/revocation'
import type { CaughtUp } from './messages.ts'

/** Follows a feed from nothing until it is ready, as a verifier does that starts. */
export async function caughtUp(feed: Pick<FollowRevocations, 'sources' | 'issuer' | 'keyFor'>): Promise<CaughtUp> {
  const index = revocationIndex()
  const [began, processor] = [performance.now(), process.cpuUsage()]
  let trouble: unknown
  const follower = followRevocations({ ...feed, index, onTrouble: (error) => (trouble ??= error) })
  try {
    await follower.ready()
    const elapsedMs = performance.now() - began
    const { user, system } = process.cpuUsage(processor)
    if (trouble !== undefined) throw trouble
    return { kind: 'caughtUp', entries: index.size, elapsedMs, processorMs: (user + system) / 1000 }
  } finally {
    await follower.close()
  }
}
