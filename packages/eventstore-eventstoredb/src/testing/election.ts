import { isReachable, type Member } from './member.ts'
import { majorityOf } from './replication.ts'

const lastEpoch = ({ log }: Member): number => log.records.at(-1)?.epoch ?? -1

/**
 * Whom those elect who can hear each other (ElectionsService.cs, GetBestLeaderCandidate): the one whose log goes on furthest
 * in the newest epoch. A majority has whatever was acknowledged, so the best of any majority has it, too.
 *
 * @returns `undefined` when they are no majority.
 */
export function elected(members: readonly Member[]): Member | undefined {
  const present = members.filter(isReachable)
  if (present.length < majorityOf(members.length)) return undefined
  return present.reduce((best, each) => (isBetter(each, best) ? each : best))
}

const isBetter = (one: Member, other: Member): boolean =>
  lastEpoch(one) - lastEpoch(other) > 0 ||
  (lastEpoch(one) === lastEpoch(other) && one.log.records.length > other.log.records.length)

/** What there is to do about the leader, by who can be heard. */
export type Watch = 'nothing' | 'silent' | 'lost' | 'withoutMajority'

export function watch(leader: Member | undefined, members: readonly Member[]): Watch {
  const isMajority = members.filter(isReachable).length >= majorityOf(members.length)
  if (leader === undefined || leader.role === 'down') return 'lost'
  if (leader.isPaused) return 'silent'
  return isMajority ? 'nothing' : 'withoutMajority'
}
