import { type CommandContext, type EventLog, untilSettled } from '../log/index.ts'
import { keyringStream } from '../signing-key/index.ts'
import { TOKEN_CAP } from './events.ts'
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
  async function recorded() {
    const [newest] = await log.last(TOKEN_CAP)
    return newest?.type === 'TokenCapRaised'
      ? ({ seconds: newest.data.seconds, expected: newest.revision } as const)
      : ({ seconds: undefined, expected: 'noStream' } as const)
  }

  /** The least that is safe where nothing is recorded: 0 before the first token. */
  const unrecorded = async (): Promise<number> => {
    const [key] = await log.last(SIGNING_KEYS)
    return key === undefined ? 0 : LONGEST_TOKEN_CAP
  }

  return {
    highest: async () => (await recorded()).seconds ?? LONGEST_TOKEN_CAP,

    raiseTo: (wanted, context) =>
      untilSettled(async () => {
        const { seconds: highest, expected } = await recorded()
        const seconds = Math.max(wanted, highest ?? (await unrecorded()))
        if (seconds === highest) return
        await log.append(TOKEN_CAP, [{ type: 'TokenCapRaised', data: { seconds } }], { expected, context })
      }),
  }
}
