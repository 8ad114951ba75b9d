import { elected, type Watch, watch } from './election.ts'
import type { Limits } from './limits.ts'
import { isLeading, isReachable, member, type Member } from './member.ts'
import { commonLength, spread } from './replication.ts'
import { type Answer, pendingAnswers } from './pending-answers.ts'
import { scavenge } from './scavenging.ts'
import type { Timers } from './timers.ts'
import {
  type Append,
  type Deletion,
  type Refused,
  writeAppend,
  writeDeletion,
  writeEpoch,
  writeFirstEvents,
  type Writer,
  type Written,
} from './writing.ts'

export interface ClusterParts {
  readonly nodes: number
  readonly limits: Limits
  readonly timers: Timers
  readonly judges: boolean
  /** Milliseconds that a commit takes. */
  readonly commitMs: number
  /** Ends the process of a node; a supervisor may start it again. */
  end(member: Member): void
}

/** The nodes of one cluster, without their network. */
export interface Cluster {
  readonly members: readonly Member[]
  /** The leader that a majority follows. */
  readonly leader: Member | undefined
  /** Does it at a node that takes itself for the leader, and answers when a majority has it, or in vain after a time. */
  append(at: Member, append: Append, answer: (answer: Answer) => void): void
  remove(at: Member, deletion: Deletion, answer: (answer: Answer) => void): void
  /** Makes a node the leader at once, as an operator does who lets the leader resign; nobody while it is `undefined`. */
  lead(member: Member | undefined): void
  pause(member: Member): void
  resume(member: Member): void
  lag(member: Member, lags: boolean): void
  /** Its process has ended, as by `kill -9`: what it has written, it keeps. */
  ended(member: Member): void
  started(member: Member): void
  scavenge(member: Member): Promise<void>
}

/**
 * Nodes that replicate, elect and fail as those of EventStoreDB do: a leader that is silent for too long is replaced, and when
 * it goes on it does not know so; a node that has what nobody else has ends its process to cut it off.
 */
export function cluster({ nodes, limits, timers, judges, commitMs, end }: ClusterParts): Cluster {
  const members = Array.from({ length: nodes }, member)
  /** Records that the next start of a node keeps. */
  const cuts = new Map<Member, number>()
  /** How often it changed what it takes itself for: what was planned before is void. */
  const turns = new Map<Member, number>()
  const pending = pendingAnswers(limits, timers)
  const flushing = new Set<Member>()
  /** In which each of them led last. */
  const epochs = new Map<Member, number>()
  /** Those who would follow the leader, could they hear it. */
  const leaderless = new Set<Member>()
  let epoch = -1
  let current: Member | undefined
  let isLeaderless = false
  let watched: { readonly found: Watch; readonly leader: Member | undefined; cancel(): void } | undefined

  const writer = (at: Member): Writer => ({ member: at, epoch: epochs.get(at) ?? epoch, judges })

  function change(at: Member, role: Member['role'], leader: Member | undefined): void {
    leaderless.delete(at)
    at.role = role
    at.leader = leader
    turns.set(at, (turns.get(at) ?? 0) + 1)
  }

  /** Later, unless the node has become something else meanwhile; a paused one does it when it goes on. */
  function later(at: Member, ms: number, work: () => void): void {
    const turn = turns.get(at)
    timers.after(ms, () => at.whenAwake(() => turns.get(at) === turn && work()))
  }

  /** A commit takes its time, and serves whatever was written before it began. */
  function flush(leader: Member): void {
    if (commitMs === 0) return spread(leader, members)
    if (flushing.has(leader)) return
    flushing.add(leader)
    const length = leader.log.records.length
    timers.after(commitMs, () => {
      flushing.delete(leader)
      spread(leader, members, length)
      if (leader.log.records.length > length) flush(leader)
    })
  }

  function perform(at: Member, result: Written | Refused, answer: (answer: Answer) => void): void {
    if (result.kind === 'dropped') return pending.never(at, answer)
    if (result.kind !== 'success') return answer(result)
    flush(at)
    pending.committed(at, (result.index ?? -1) + 1, result, answer)
  }

  /** Whatever waits for its commit hears of a timeout (RequestManagerBase.cs, Dispose). */
  function stepDown(at: Member): void {
    change(at, 'unknown', undefined)
    pending.fail(at)
  }

  /** Follows a leader, and first ends its process when it has what the leader has not (ReplicaService.cs, EpochManager.cs). */
  function follow(at: Member, leader: Member): void {
    const common = commonLength(at, leader)
    if (common < at.log.records.length) {
      cuts.set(at, common)
      return end(at)
    }
    change(at, 'follower', leader)
    spread(leader, members)
  }

  function become(leader: Member, preLeaderMs: number): void {
    const before = current
    if (before && before !== leader && isReachable(before)) stepDown(before)
    current = leader
    epoch += 1
    epochs.set(leader, epoch)
    change(leader, 'preLeader', leader)
    for (const each of members) if (each !== leader && isReachable(each)) follow(each, leader)
    later(leader, preLeaderMs, () => {
      change(leader, 'leader', leader)
      writeEpoch(writer(leader))
      if (leader.log.records.length <= 2) writeFirstEvents(writer(leader))
      spread(leader, members)
    })
    look()
  }

  function elect(): void {
    const next = elected(members)
    if (next) become(next, limits.preLeaderMs)
  }

  function resign(leader: Member): void {
    for (const each of members) if (isReachable(each)) stepDown(each)
    if (current === leader) current = undefined
    look()
  }

  /** Watches the leader, and those who hear it, after every change; what was noticed before is not begun anew. */
  function look(): void {
    const found = isLeaderless || nodes === 1 ? 'nothing' : watch(current, members)
    if (found === 'nothing' && current) for (const each of [...leaderless]) follow(each, current)
    if (watched?.found === found && watched.leader === current) return
    watched?.cancel()
    watched = undefined
    if (found === 'nothing') return
    if (found === 'lost')
      for (const each of members)
        if (each.role === 'follower' && each.leader === current) change(each, 'unknown', undefined)
    const leader = current
    const ms = found === 'lost' ? limits.lostMs : limits.electionMs
    const cancel = timers.after(ms, () => {
      watched = undefined
      if (found === 'withoutMajority' && leader) resign(leader)
      else elect()
    })
    watched = { found, leader, cancel }
  }

  /** A leader that was replaced while it lay still: it answers from what it had, then knows nobody, then follows. */
  function goOnAsLeader(at: Member): void {
    later(at, limits.staleMs, () => {
      stepDown(at)
      later(at, limits.changingMs, () => join(at))
    })
  }

  function join(at: Member): void {
    leaderless.add(at)
    if (current && current !== at && isReachable(current)) follow(at, current)
    look()
  }

  function resume(at: Member): void {
    if (!at.isPaused) return
    at.isPaused = false
    at.wake()
    if (current === at) spread(at, members)
    else if (isLeading(at)) goOnAsLeader(at)
    else if (at.role !== 'down') join(at)
    look()
  }

  const append: Cluster['append'] = (at, wanted, answer) => perform(at, writeAppend(writer(at), wanted), answer)

  const made: Cluster = {
    members,
    get leader() {
      return current
    },
    append,
    remove: (at, deletion, answer) => perform(at, writeDeletion(writer(at), deletion), answer),
    lead(next) {
      isLeaderless = next === undefined
      if (current && isReachable(current)) spread(current, members)
      if (next === undefined) return current && resign(current)
      if (!isReachable(next) || members.some(({ committed }) => committed > next.log.records.length))
        throw new Error('it cannot lead: others have what it has not')
      if (next !== current || next.role !== 'leader') become(next, 0)
    },
    pause(at) {
      if (at.role === 'down') return
      at.isPaused = true
      look()
    },
    resume,
    lag(at, lags) {
      at.lags = lags
      if (!lags && at.leader) spread(at.leader, members)
    },
    ended(at) {
      pending.forget(at)
      at.forget()
      change(at, 'down', undefined)
      look()
    },
    started(at) {
      const cut = cuts.get(at)
      if (cut !== undefined) at.log.truncate(cut)
      cuts.delete(at)
      at.log.forgetRecent()
      at.isPaused = false
      change(at, 'unknown', undefined)
      if (nodes === 1) return become(at, 0)
      if (current === at) current = undefined
      join(at)
    },
    scavenge: (at) => scavenge(at, append),
  }
  for (const each of members) change(each, 'follower', members[0])
  if (members[0]) become(members[0], 0)
  return made
}
