import { setTimeout as pause } from 'node:timers/promises'

const EVERY_MS = 250
const LONGEST_MS = 2_000

/** Whether any server answers there. */
async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MS)]) })
    await answer.body?.cancel()
    return true
  } catch {
    return false
  }
}

/**
 * When there is a server at this address. It asks more often than a verifier would, which has its own reasons for patience:
 * somebody sits in front of this.
 *
 * @param onWait is called once if there is none yet.
 * @throws the reason of the signal.
 */
export async function answering(url: string, signal: AbortSignal, onWait: () => void): Promise<void> {
  for (let isFirst = true; !(await answers(url, signal)); isFirst = false) {
    signal.throwIfAborted()
    if (isFirst) onWait()
    await pause(EVERY_MS, undefined, { signal })
  }
  signal.throwIfAborted()
}
