import type { Decider } from '@ledgate/eventsourcing'
import type { InstallationEvent, InstallationState } from './events.ts'

/** Revokes every grant and token there is. */
export interface RaiseIssuerEpoch {
  readonly type: 'Raise'
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/** The installation as a whole, and its issuer epoch. */
export const installation: Decider<InstallationState, RaiseIssuerEpoch, InstallationEvent> = {
  initialState: { issuer_epoch: 0 },

  decide({ reason, nowMs }, { issuer_epoch }) {
    // Milliseconds, so that no number of raises runs ahead of the clock: a restore that follows must come to a higher one.
    const raised = { issuer_epoch: Math.max(issuer_epoch + 1, nowMs) }
    return [{ type: 'IssuerEpochRaised', data: { reason, installation: raised } }]
  },

  evolve: (_state, { data }) => data.installation,
}
