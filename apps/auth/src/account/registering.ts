import type { Checkpoints } from '@ledgate/eventsourcing'
import type { EventLog } from '../log/index.ts'
import { followEvents } from '../process-manager/index.ts'
import type { Completion } from './completion.ts'

export interface RegisteringDependencies {
  readonly log: EventLog
  readonly checkpoints: Checkpoints
  readonly completion: Pick<Completion, 'complete'>
  /** Told of every try that failed; it is tried again. */
  onError(error: unknown): void
  /** Milliseconds before a failed try is repeated, doubling up to 30 s; 100 unless told. */
  readonly firstPauseMs?: number
}

/** The process manager of registrations: finishes what addresses' streams say, from its checkpoint on, until the signal. */
export const followRegistrations = (dependencies: RegisteringDependencies, signal: AbortSignal): Promise<void> => {
  const { log, checkpoints, completion, onError, firstPauseMs } = dependencies
  return followEvents({
    store: log.store,
    checkpoints,
    name: 'registration',
    categories: ['email'],
    handle: completion.complete,
    onError,
    ...(firstPauseMs !== undefined && { firstPauseMs }),
    signal,
  })
}
