import { type Clock, type CommandContext, type EventLog, handle, readState, type Written } from '../log/index.ts'
import { INSTALLATION } from './events.ts'
import { installation } from './issuer-epoch.decider.ts'

/** What is true of all there is. */
export interface IssuerEpoch {
  /** The epoch below which every grant and token is void, read from the log: never older than the call. */
  issuerEpoch(): Promise<number>
  /**
   * Ends every grant and token there is. The epoch is taken from the clock, so that two restores of one backup do not come
   * to the same one, and what was issued between them stays dead.
   */
  endAllTokens(reason: string, context: CommandContext): Promise<Written>
}

/** The installation over the log. */
export function openIssuerEpoch({ log, clock }: { log: EventLog; clock: Clock }): IssuerEpoch {
  const handled = { stream: INSTALLATION, decider: installation }

  return {
    issuerEpoch: async () => (await readState(log, handled)).state.issuer_epoch,

    async endAllTokens(reason, context) {
      const { position = await log.store.head() } = await handle(log, handled, () => ({
        command: { type: 'Raise', reason, nowMs: clock.nowMs() } as const,
        context,
      }))
      return { position }
    },
  }
}
