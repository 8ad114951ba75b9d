import { closeSync, lstatSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { SqliteError } from 'better-sqlite3'
import { isMachineFailure } from './failure.ts'

const DAMAGED = /^SQLITE_(CORRUPT|NOTADB)/
/** The suffixes of the files that SQLite keeps beside a database. */
const SIDE_FILES = ['-wal', '-shm', '-journal'] as const

/** Whether the file of a read model is damaged: a retry cannot help, a new file does. */
export const isDamage = (error: unknown): boolean => error instanceof SqliteError && DAMAGED.test(error.code)

/**
 * Whether the error of opening a file means that its content is not a valid database of read models. A disk that is full or
 * cannot be written is not damage.
 */
export const isUnusable = (error: unknown): boolean =>
  error instanceof SyntaxError || (error instanceof SqliteError && !isMachineFailure(error))

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

const WAL_MAGIC = [0x377f0682, 0x377f0683]

/** SQLite treats a write-ahead log that it cannot read as empty, and would silently return an earlier state of the file. */
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

/** A fault of a file that is visible before it is opened: a folder or a pipe in its place, an invalid write-ahead log. */
export function findFileFault(file: string): string | undefined {
  const notFile = ['', ...SIDE_FILES]
    .map((end) => `${file}${end}`)
    .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === false)
  if (notFile !== undefined) return `${notFile} is not a file`
  return isForeignLog(`${file}-wal`) ? `${file}-wal is not a write-ahead log` : undefined
}

/** Deletes a file of read models and the files SQLite keeps beside it. A folder in its place is not ours: it is renamed. */
export function discard(file: string): void {
  for (const path of ['', ...SIDE_FILES].map((end) => `${file}${end}`)) {
    if (!isThere(path)) continue
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) renameSync(path, `${path}.moved-aside-${Date.now()}`)
    else rmSync(path)
  }
}
