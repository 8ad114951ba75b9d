import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'

/** What the operating system takes as the path of a socket (sun_path), less one byte. */
const MAX_PATH = 100

/**
 * Where a running server of this data folder listens for its operator: in the folder itself, or, when that path is too
 * long for a socket, in a folder of the user's own among the temporary ones, under a name made of it.
 */
export function socketPath(dataDir: string): string {
  const direct = resolve(dataDir, 'control.sock')
  if (Buffer.byteLength(direct) <= MAX_PATH) return direct
  const folder = join(tmpdir(), `ledgate-${userInfo().uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return join(folder, `${createHash('sha256').update(direct).digest('hex').slice(0, 32)}.sock`)
}

/** Removes what a killed server left behind. Only the one that holds the lock of the log may call it. */
export function removeStaleSocket(path: string): void {
  if (existsSync(path)) rmSync(path)
}
