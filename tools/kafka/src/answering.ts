import { Kafka, logLevel } from 'kafkajs'
import { setTimeout as pause } from 'node:timers/promises'

const PAUSE_MS = 100
/** A client that has just connected learns of the brokers by failing once. */
const RETRY = { retries: 1, initialRetryTime: 50 }

/**
 * Resolves when a broker answers, and has a coordinator for groups: it is slow to have one when it starts.
 *
 * @throws what the last try failed with, when the signal is aborted.
 */
export async function answering(brokers: string, signal: AbortSignal): Promise<void> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry: RETRY })
  for (;;) {
    const admin = kafka.admin()
    try {
      await admin.connect()
      await admin.describeGroups(['ready'])
      return
    } catch (error) {
      if (signal.aborted) throw error
      await pause(PAUSE_MS)
    } finally {
      await admin.disconnect().catch(() => undefined)
    }
  }
}
