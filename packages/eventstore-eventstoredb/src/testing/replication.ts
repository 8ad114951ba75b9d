import { isReachable, type Member } from './member.ts'

const isLinked = (follower: Member, leader: Member): boolean =>
  follower.role === 'follower' && follower.leader === leader && isReachable(follower) && !follower.lags

/**
 * Sends what a leader has to those who follow it, and lets readers see what a majority has (LeaderReplicationService.cs,
 * ReplicationTrackingService.cs). A leader whom nobody follows goes on writing, and commits nothing.
 *
 * @param limit records that are on the leader's disk.
 */
export function spread(leader: Member, members: readonly Member[], limit = leader.log.records.length): void {
  if (!isReachable(leader)) return
  const linked = members.filter((each) => isLinked(each, leader))
  for (const { log } of linked)
    for (const record of leader.log.records.slice(log.records.length, limit)) log.add(record)
  const lengths = members
    .filter((each) => each === leader || (each.role === 'follower' && each.leader === leader))
    .map(({ log }) => Math.min(log.records.length, limit))
    .toSorted((left, right) => right - left)
  leader.commit(lengths[majorityOf(members.length) - 1] ?? 0)
  for (const each of linked) each.commit(Math.min(each.log.records.length, leader.committed))
}

export const majorityOf = (nodes: number): number => Math.floor(nodes / 2) + 1

/** How many records two nodes have alike, from the first on. */
export function commonLength(one: Member, other: Member): number {
  const [left, right] = [one.log.records, other.log.records]
  let length = Math.min(left.length, right.length)
  while (length > 0 && left[length - 1] !== right[length - 1]) length -= 1
  return length
}
