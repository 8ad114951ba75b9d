/** The longest wait, in seconds. */
const LONGEST_WAIT = 10

const WAIT = /^wait\s*=\s*"?(\d{1,9})"?$/i

/**
 * How many seconds a client is ready to wait for something to be done, `Prefer: wait=N` of RFC 7240 §4.3, and no more than
 * ten; `undefined` when it does not say. Of several the first counts (§2); a preference that is not understood is none.
 */
export function preferredWait(header: string | readonly string[] | undefined): number | undefined {
  for (const preference of [header ?? []].flat().join(',').split(',')) {
    const [, seconds] = WAIT.exec((preference.split(';')[0] ?? '').trim()) ?? []
    if (seconds !== undefined) return Math.min(Number(seconds), LONGEST_WAIT)
  }
  return undefined
}
