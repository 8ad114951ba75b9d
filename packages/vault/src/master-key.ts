import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** 32 bytes in base64url, without padding. */
const SHAPE = /^[A-Za-z0-9_-]{43}$/

/**
 * Parses a configured master key: 32 bytes in base64url.
 *
 * @throws {Error} when it is anything else; the message does not repeat it.
 */
export function parseMasterKey(text: string): Uint8Array {
  if (!SHAPE.test(text)) throw new Error('LEDGATE_MASTER_KEY is not 32 bytes in base64url')
  return Buffer.from(text, 'base64url')
}

const hasCode = (error: unknown, code: string) => error instanceof Error && 'code' in error && error.code === code

/** The result of `attempt`; `undefined` when it fails with this code. */
function unless<Result>(code: string, attempt: () => Result): Result | undefined {
  try {
    return attempt()
  } catch (error) {
    if (hasCode(error, code)) return undefined
    throw error
  }
}

function sync(path: string): void {
  const handle = openSync(path, 'r')
  fsyncSync(handle)
  closeSync(handle)
}

function writeDraft(file: string): void {
  const handle = openSync(file, 'wx', 0o600)
  writeSync(handle, `${randomBytes(32).toString('base64url')}\n`)
  fsyncSync(handle)
  closeSync(handle)
}

/**
 * The master key of a development folder, created at its first use and readable by the owner only. The file appears complete or
 * not at all, is on disk before a value is wrapped with it, and two processes that create it concurrently agree on one.
 */
export function developmentMasterKey(folder: string): Uint8Array {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'master.key')
  const read = () => parseMasterKey(readFileSync(file, 'utf8').trim())
  const kept = unless('ENOENT', read)
  if (kept !== undefined) return kept
  const draft = `${file}.${randomBytes(8).toString('hex')}`
  try {
    writeDraft(draft)
    unless('EEXIST', () => linkSync(draft, file))
  } finally {
    unless('ENOENT', () => unlinkSync(draft))
  }
  sync(folder)
  return read()
}
