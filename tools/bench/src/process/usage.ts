import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** Memory of a process in bytes; `anonymous` leaves out mapped files. NaN where /proc is not Linux's. */
export interface Memory {
  readonly resident: number
  readonly anonymous: number
}

export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
  return { resident: kilobytes('VmRSS'), anonymous: kilobytes('RssAnon') }
}

/** Processor time a process used since it started, in milliseconds (USER_HZ is 100 on Linux); NaN elsewhere. */
export async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const WINDOW_MS = 200

/**
 * Waits until a process is idle, so that work it put off (projections behind the log) is not done in its peer's time.
 *
 * @returns the milliseconds it took, at most about `limitMs`
 */
export async function settled(pid: number, limitMs = 20_000): Promise<number> {
  const started = performance.now()
  for (let before = await cpuMsOf(pid); performance.now() - started < limitMs;) {
    await sleep(WINDOW_MS)
    const after = await cpuMsOf(pid)
    if (!(after - before > WINDOW_MS * 0.1)) break
    before = after
  }
  return Math.max(0, performance.now() - started - WINDOW_MS)
}
