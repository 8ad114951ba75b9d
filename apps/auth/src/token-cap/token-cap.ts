import { type CommandContext, type EventLog, handle, readState } from '../log/index.ts'
import { keyringStream } from '../signing-key/index.ts'
import { TOKEN_CAP } from './events.ts'
import { tokenCap } from './token-cap.decider.ts'
import { LONGEST_TOKEN_CAP } from '../config/index.ts'

/** Its first event is there before the first token is signed. */
const SIGNING_KEYS = keyringStream.of('signing')
/** The highest cap on the lifetime of access tokens that was ever in force. */
export interface TokenCap {
  /** Seconds, read from the log: never older than the call. */
  highest(): Promise<number>
  /**
   * Records a cap in the log. Whoever signs tokens waits for it first: what ends is told for as long as the highest
   * cap says, so a token of a cap that no one knows of would outlive its end.
   */
  raiseTo(seconds: number, context: CommandContext): Promise<void>
}

/** The cap over the log. A log that was written to before caps were recorded may have had the longest one. */
export function openTokenCap({ log }: { log: EventLog }): TokenCap {
  const cap = { stream: TOKEN_CAP, decider: tokenCap }

  /** The least that is safe where nothing is recorded: 0 before the first token. */
  const unrecorded = async (): Promise<number> => {
    const [key] = await log.last(SIGNING_KEYS)
    return key === undefined ? 0 : LONGEST_TOKEN_CAP
  }

  return {
    highest: async () => (await readState(log, cap)).state ?? LONGEST_TOKEN_CAP,

    async raiseTo(wanted, context) {
      await handle(log, cap, async ({ state: highest }) => ({
        command: { type: 'Raise', seconds: Math.max(wanted, highest ?? (await unrecorded())) } as const,
        context,
      }))
    },
  }
}
