import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The bytes of a master key as it is configured: 32 bytes in base64url. */
export function parseMasterKey(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== 32) throw new Error('a master key is 32 bytes in base64url')
  return bytes
}

/**
 * The master key of a development folder, made at its first use. The file appears whole or not at all, and two
 * processes that make it at once agree on one.
 */
export function developmentMasterKey(folder: string): Uint8Array {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'master.key')
  const draft = `${file}.${randomBytes(8).toString('hex')}`
  try {
    return parseMasterKey(readFileSync(file, 'utf8').trim())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(draft)
  }
  return parseMasterKey(readFileSync(file, 'utf8').trim())
}
