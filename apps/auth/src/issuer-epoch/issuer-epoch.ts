import { type Clock, type CommandContext, type EventLog, untilSettled, type Written } from '../log/index.ts'
import { INSTALLATION } from './events.ts'

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
  async function read(): Promise<{ readonly epoch: number; readonly expected: bigint | 'noStream' }> {
    const [newest] = await log.last(INSTALLATION)
    return newest !== undefined && 'installation' in newest.data
      ? { epoch: newest.data.installation.issuer_epoch, expected: newest.revision }
      : { epoch: 0, expected: 'noStream' }
  }

  return {
    issuerEpoch: async () => (await read()).epoch,

    endAllTokens: (reason, context) =>
      untilSettled(async () => {
        const { epoch, expected } = await read()
        // Milliseconds, so that no number of raises runs ahead of the clock: a restore that follows must come to a higher one.
        const installation = { issuer_epoch: Math.max(epoch + 1, clock.nowMs()) }
        const events = [{ type: 'IssuerEpochRaised', data: { reason, installation } }] as const
        const { position } = await log.append(INSTALLATION, events, { expected, context })
        return { position }
      }),
  }
}
