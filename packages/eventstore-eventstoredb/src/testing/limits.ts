/** How long a cluster takes for what; in milliseconds. */
export interface Limits {
  /** Without a majority, after which an append is answered with `Timeout` (StorageWriterService.cs:790-792, RequestManagerBase.cs). */
  readonly commitTimeoutMs: number
  /** Of silence, after which the others elect; a leader that was silent for 4.3 s stayed it, from 6 s on another was elected. */
  readonly electionMs: number
  /** After a leader's process has ended. */
  readonly lostMs: number
  /** Before a node that was elected takes appends (ClusterVNodeController.cs:318-322). */
  readonly preLeaderMs: number
  /** For which a leader that was paused, and goes on, answers as if it still led: 70 to 2,000 at a real one. */
  readonly staleMs: number
  /** For which it then knows no leader. */
  readonly changingMs: number
  /** After which a supervisor starts a node that ended its process. */
  readonly restartMs: number
}

const REAL: Limits = {
  commitTimeoutMs: 2_900,
  electionMs: 5_000,
  lostMs: 1_000,
  preLeaderMs: 100,
  staleMs: 1_000,
  changingMs: 200,
  restartMs: 2_000,
}

/** Those of a real server, all of them multiplied, but for those that are given. */
export function limitsOf(scale = 1, given: Partial<Limits> = {}): Limits {
  const { commitTimeoutMs, electionMs, lostMs, preLeaderMs, staleMs, changingMs, restartMs } = REAL
  return {
    commitTimeoutMs: commitTimeoutMs * scale,
    electionMs: electionMs * scale,
    lostMs: lostMs * scale,
    preLeaderMs: preLeaderMs * scale,
    staleMs: staleMs * scale,
    changingMs: changingMs * scale,
    restartMs: restartMs * scale,
    ...given,
  }
}
