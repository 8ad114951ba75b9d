import { setTimeout as pause } from 'node:timers/promises'
import { type Clock, type CommandContext, type EventLog, untilSettled } from '../log/index.ts'

const STREAM = 'installation'
const PAUSE_MS = 1_000

/** What is true of all there is. */
export interface Installation {
  /** As last heard of: a replica hears of a change within moments, and judges its own tokens by it at once. */
  issuerEpoch(): number
  /** As the log has it, not earlier than the call. */
  readIssuerEpoch(): Promise<number>
  /**
   * Ends every grant and token there is. The epoch is taken from the clock, so that two restores of one backup do not come
   * to the same one, and what was issued between them stays dead.
   */
  endAllTokens(reason: string, context: CommandContext): Promise<{ position: string }>
  /** Hears of changes made elsewhere until the signal. */
  follow(signal: AbortSignal): Promise<void>
}

/** Reads what is true now, and goes on from there. */
export async function openInstallation({ log, clock }: { log: EventLog; clock: Clock }): Promise<Installation> {
  let epoch = 0

  async function load(): Promise<bigint | 'noStream'> {
    const [newest] = await log.last(STREAM)
    if (newest === undefined || !('installation' in newest.data)) return 'noStream'
    epoch = Math.max(epoch, newest.data.installation.issuer_epoch)
    return newest.revision
  }

  async function followOnce(signal: AbortSignal): Promise<void> {
    const after = await log.store.head()
    await load()
    for await (const message of log.store.subscribe({ after, filter: { categories: [STREAM] }, signal }))
      if (message.kind === 'event') await load()
  }

  await load()
  return {
    issuerEpoch: () => epoch,
    async readIssuerEpoch() {
      await load()
      return epoch
    },
    async endAllTokens(reason, context) {
      const { position } = await untilSettled(async () => {
        const expected = await load()
        const installation = { issuer_epoch: Math.max(epoch + 1, clock.now()) }
        const events = [{ type: 'IssuerEpochRaised', data: { reason, installation } }] as const
        return log.append(STREAM, events, { expected, context })
      })
      await load()
      return { position }
    },
    async follow(signal) {
      while (!signal.aborted) {
        await followOnce(signal).catch(() => {}) // the store is away: it is asked again
        await pause(PAUSE_MS, undefined, { signal }).catch(() => {})
      }
    },
  }
}
