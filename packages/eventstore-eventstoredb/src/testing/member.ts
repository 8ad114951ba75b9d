import type { StoredEvent } from './stored-event.ts'
import { type TransactionLog, transactionLog } from './transaction-log.ts'

/** What a node takes itself for (VNodeState.cs). `unknown`: nobody leads; `down`: its process has ended. */
export type Role = 'leader' | 'preLeader' | 'follower' | 'unknown' | 'down'

/** A node, without what it says over the network. */
export interface Member {
  readonly log: TransactionLog
  /** What its scavenges removed from its files. */
  readonly gone: Set<StoredEvent>
  role: Role
  /** Whom it takes for the leader; itself, perhaps. */
  leader: Member | undefined
  /** Records that its readers see: those that it knows a majority to have. */
  readonly committed: number
  /** The revision of the scavenge point that it used last. */
  usedPoint: number
  /** Gets nothing from its leader, and does not know that there is more. */
  lags: boolean
  isPaused: boolean
  /** Does it now, or in turn when the node goes on. */
  whenAwake(work: () => void): void
  /** Does what had to wait. */
  wake(): void
  /** Does nothing of what had to wait: the process has ended. */
  forget(): void
  /** Lets its readers see so many records, and answers who waits for them. */
  commit(length: number): void
  /** Calls back once, when so many records are committed. Answers how to stop that. */
  onCommit(length: number, listener: () => void): () => void
  /** Tells of every event that readers see from now on; wakes `listener` after those that it wants. */
  onGrowth(listener: () => void, wants: (event: StoredEvent) => boolean): () => void
}

export const isLeading = ({ role }: Member): boolean => role === 'leader' || role === 'preLeader'
export const isReachable = ({ role, isPaused }: Member): boolean => role !== 'down' && !isPaused

export function member(): Member {
  const log = transactionLog()
  const asleep: (() => void)[] = []
  const waiting = new Map<() => void, number>()
  const followers = new Map<() => void, (event: StoredEvent) => boolean>()
  let committed = 0

  const self: Member = {
    log,
    gone: new Set(),
    role: 'unknown',
    leader: undefined,
    usedPoint: -1,
    lags: false,
    isPaused: false,
    get committed() {
      return committed
    },
    whenAwake(work) {
      if (self.isPaused) asleep.push(work)
      else work()
    },
    wake() {
      for (const work of asleep.splice(0)) self.whenAwake(work)
    },
    forget: () => void asleep.splice(0),
    commit(length) {
      if (length <= committed) return
      const grown = log.records.slice(committed, length).flatMap(({ event }) => event ?? [])
      committed = length
      for (const [listener, until] of waiting) if (until <= length) listener()
      for (const [listener, wants] of followers) {
        let isWanted = false
        for (const event of grown) isWanted = wants(event) || isWanted
        if (isWanted) listener()
      }
    },
    onCommit(length, listener) {
      waiting.set(listener, length)
      return () => void waiting.delete(listener)
    },
    onGrowth(listener, wants) {
      followers.set(listener, wants)
      return () => void followers.delete(listener)
    },
  }
  return self
}
