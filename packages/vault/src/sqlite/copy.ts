import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import Sqlite from 'better-sqlite3'

/**
 * Copies a vault while it is in use: its state at one moment, still wrapped with its master key.
 *
 * @param to a file that does not exist yet; it appears complete or not at all, readable by its owner only.
 */
export function copyVault(from: string, to: string): void {
  const draft = `${to}.partial`
  rmSync(draft, { force: true })
  const before = process.umask(0o177)
  try {
    const source = new Sqlite(from, { readonly: true, fileMustExist: true })
    try {
      source.prepare('VACUUM INTO ?').run(draft)
    } finally {
      source.close()
    }
  } finally {
    process.umask(before)
  }
  chmodSync(draft, 0o600)
  const handle = openSync(draft, 'r')
  fsyncSync(handle)
  closeSync(handle)
  renameSync(draft, to)
}
