import { closeSync, lstatSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { SqliteError } from 'better-sqlite3'
import { isMachineFailure } from './failure.ts'

const DAMAGED = /^SQLITE_(CORRUPT|NOTADB)/
/** What SQLite keeps beside a database. */
const BESIDE = ['-wal', '-shm', '-journal'] as const

/** Whether what a read model was read from is damaged: no repetition helps, a new file does. */
export const isDamage = (error: unknown): boolean => error instanceof SqliteError && DAMAGED.test(error.code)

/**
 * Whether a file cannot be what it should be, going by what its opening failed with. While a file is opened, nothing but
 * what is in it decides; a disk that is full or may not be written is no damage.
 */
export const isUnusable = (error: unknown): boolean =>
  error instanceof SyntaxError || (error instanceof SqliteError && !isMachineFailure(error))

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

const WAL_MAGIC = [0x377f0682, 0x377f0683]

/** SQLite takes a write-ahead log that it cannot read for an empty one, and so the file for what it was before. */
function isForeignLog(path: string): boolean {
  if (!(statSync(path, { throwIfNoEntry: false })?.size ?? 0)) return false
  const start = Buffer.alloc(4)
  const handle = openSync(path, 'r')
  try {
    readSync(handle, start, 0, start.length, 0)
  } finally {
    closeSync(handle)
  }
  return !WAL_MAGIC.includes(start.readUInt32BE(0))
}

/** What is wrong with a file before anything is read from it: a folder or a pipe in its place, a log that is none. */
export function wrongFromOutside(file: string): string | undefined {
  const none = ['', ...BESIDE]
    .map((end) => `${file}${end}`)
    .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === false)
  if (none !== undefined) return `${none} is no file`
  return isForeignLog(`${file}-wal`) ? `${file}-wal is no write-ahead log` : undefined
}

/** Takes a file of read models away, with what SQLite keeps beside it. What is no file is not ours: it is moved aside. */
export function discard(file: string): void {
  for (const path of ['', ...BESIDE].map((end) => `${file}${end}`)) {
    if (!isThere(path)) continue
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) renameSync(path, `${path}.moved-aside-${Date.now()}`)
    else rmSync(path)
  }
}
